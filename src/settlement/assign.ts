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

/** To whom each payment goes next. Who is being tried gets the one with the most time; the others go on as if it were not there. */
export const assign = (
  open: readonly Open[],
  backends: readonly Backend[],
  presentations: Presentations,
): ReadonlyMap<Backend, readonly Open[]> => {
  const groups = new Map<Backend, Open[]>();
  const probe = backends.find((backend) => backend.standing() === 'probe');
  const others = backends.filter((backend) => backend !== probe);
  const tries = probe === undefined ? undefined : open.findLast(({ asked }) => !asked.has(probe));
  for (const one of open) {
    const to = one === tries ? probe : pick(one, others, presentations);
    if (to !== undefined) groups.set(to, [...(groups.get(to) ?? []), one]);
  }
  return groups;
};

/** Another delivery starts at another one: who refused it may be wrong. What our relayer has taken it keeps: it knows it. */
const pick = (
  { task, asked }: Open,
  backends: readonly Backend[],
  presentations: Presentations,
): Backend | undefined => {
  const holder = presentations.get(keyOf(task))?.by;
  if (holder?.name === RELAYER && !asked.has(holder) && backends.includes(holder)) return holder;
  const start = Math.max(0, task.attempts - 1) % Math.max(1, backends.length);
  const inTurn = [...backends.slice(start), ...backends.slice(0, start)];
  return inTurn.find((backend) => !asked.has(backend));
};
