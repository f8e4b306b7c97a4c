import { type Backend, RELAYER } from '../backends/backend.ts';
import type { ChainView } from '../chain/observe-payments.ts';
import type { SettlementTask } from '../message.ts';
import type { Presentations } from './presentations.ts';
import { keyOf, type Tried } from './task.ts';

/** A payment to be presented, and who has been asked for it in this round. */
export type Open = {
  readonly task: Extract<SettlementTask, { readonly kind: 'settle' }> & Tried;
  readonly view: Extract<ChainView, { readonly view: 'unused' }>;
  readonly asked: ReadonlySet<Backend>;
};

/**
 * To whom each payment goes next: to the first in order that has not been asked. Of a batch that is more than it is shown at once the
 * rest goes to our relayer at the same time, where there is one after it, because a backlog behind one backend ends in deadlines that
 * pass. Not to another facilitator: they would have the same six connections between them. Who is being tried gets the one with the
 * most time; the others go on as if it were not there.
 */
export const assign = (
  open: readonly Open[],
  backends: readonly Backend[],
  presentations: Presentations,
): ReadonlyMap<Backend, readonly Open[]> => {
  const groups = new Map<Backend, Open[]>();
  const probe = backends.find((backend) => backend.standing() === 'probe');
  const others = backends.filter((backend) => backend !== probe);
  const tries = probe === undefined ? undefined : open.findLast(({ asked }) => !asked.has(probe));
  const isFull = (backend: Backend): boolean => (groups.get(backend)?.length ?? 0) >= backend.width;
  for (const one of open) {
    const to =
      one === tries
        ? probe
        : (holderOf(one, others, presentations) ?? pick(inTurn(one, others), isFull));
    if (to === undefined) continue;
    const group = groups.get(to);
    if (group === undefined) groups.set(to, [one]);
    else group.push(one);
  }
  return groups;
};

const pick = (
  [first, ...rest]: readonly Backend[],
  isFull: (backend: Backend) => boolean,
): Backend | undefined =>
  first !== undefined && isFull(first)
    ? (rest.find(({ width }) => width === Infinity) ?? first)
    : first;

/** What our relayer has taken it keeps: it knows it. */
const holderOf = (
  { task, asked }: Open,
  backends: readonly Backend[],
  presentations: Presentations,
): Backend | undefined => {
  const holder = presentations.get(keyOf(task))?.by;
  const keeps = holder?.name === RELAYER && !asked.has(holder) && backends.includes(holder);
  return keeps ? holder : undefined;
};

/** Another delivery starts at another one: who refused it may be wrong. */
const inTurn = ({ task, asked }: Open, backends: readonly Backend[]): readonly Backend[] => {
  const start = Math.max(0, task.attempts - 1) % Math.max(1, backends.length);
  return [...backends.slice(start), ...backends.slice(0, start)].filter(
    (backend) => !asked.has(backend),
  );
};
