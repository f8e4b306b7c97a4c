import { type Backend, RELAYER } from './backends/backend.ts';
import type { ChainView } from './evidence.ts';
import type { SettlementTask } from './message.ts';
import type { Presentations } from './presentations.ts';
import { keyOf, type Tried } from './seen.ts';

/** A payment to be presented, and who has been asked for it in this round. */
export type Open = {
  readonly task: Extract<SettlementTask, { readonly kind: 'settle' }> & Tried;
  readonly view: Extract<ChainView, { readonly view: 'unused' }>;
  readonly asked: ReadonlySet<Backend>;
};

/**
 * To whom each payment goes next: to the first in order that has not been asked. Of a batch that is more than it is shown at once the
 * rest goes to those after it at the same time, because a backlog behind one backend ends in deadlines that pass; where all have as
 * many as they are shown at once, they share the rest. Who is being tried gets the one with the most time; the others go on as if it
 * were not there.
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
  // In whole turns of what it is shown at once.
  const turns = (backend: Backend): number =>
    Math.floor((groups.get(backend)?.length ?? 0) / backend.width);
  for (const one of open) {
    const to =
      one === tries
        ? probe
        : (holderOf(one, others, presentations) ??
          // Of those with the fewest turns the first in order.
          inTurn(one, others).reduce<Backend | undefined>(
            (best, each) => (best === undefined || turns(each) < turns(best) ? each : best),
            undefined,
          ));
    if (to === undefined) continue;
    const group = groups.get(to);
    if (group === undefined) groups.set(to, [one]);
    else group.push(one);
  }
  return groups;
};

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
