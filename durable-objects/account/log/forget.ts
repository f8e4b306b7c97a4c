import type { Seconds } from '../../../src/core/clock.ts';
import { everyOf, periodOf } from '../../../src/policy/window.ts';
import { remove, type Write } from '../../store/noun.ts';
import type { Purse } from '../purse.ts';
import type { AccountState } from '../state.ts';
import { HELD_GRANT, type HeldGrant, linksOf } from '../tree/grants.ts';

/** A held grant is useless this long after its end: it can neither be registered again nor pay for a call. */
const FORGET_HELD: Seconds = 3_600;

export const forgetsAt = ({ grant }: HeldGrant): Seconds =>
  Number(grant.delegation.validUntil) + FORGET_HELD;

export const isOver = (held: HeldGrant, now: Seconds): boolean => now >= forgetsAt(held);

/**
 * The account without ended grants, their issuers' last answers and their counters: every commit stores all of it. A grant stays while
 * it has shares: its parent has not acknowledged them yet, and forgotten spend could be returned (law 6).
 *
 * @returns the same state if nothing is forgotten, and removals of the grants.
 */
export const forget = (
  state: AccountState,
  now: Seconds,
): { readonly state: AccountState; readonly writes: readonly Write[] } => {
  const isDone = (each: HeldGrant): boolean =>
    isOver(each, now) && linksOf(each).every(({ hash }) => state.tree.shares[hash] === undefined);
  const dropped = state.held.filter(isDone).map(({ grant }) => grant.hash);
  if (dropped.length === 0) return { state, writes: [] };
  const held = state.held.filter((each) => !isDone(each));
  const links = new Set<string>(held.flatMap(linksOf).map(({ hash }) => hash));
  const gone = (hash: string): boolean => !links.has(hash);
  const answers = without(state.tree.answers, gone);
  const purses = Object.fromEntries(
    Object.entries(state.purses).map(([asset, purse]) => [asset, forgetful(purse, gone, now)]),
  );
  return {
    state: { ...state, held, tree: { ...state.tree, answers }, purses },
    writes: dropped.map((hash) => remove(HELD_GRANT, hash)),
  };
};

/** A grant's counters are named `<hash>/lifetime`. */
const forgetful = (purse: Purse, gone: (hash: string) => boolean, now: Seconds): Purse => ({
  ...purse,
  windows: without(purse.windows, (name) => {
    const [hash, counter] = name.split('/');
    const { start = 0, held = 0n, leased = 0n, drawn = 0n } = purse.windows[name] ?? {};
    // Nothing remains of a period that has ended.
    const isOpen = now < periodOf(everyOf(name), start).end && (held !== 0n || leased !== drawn);
    return counter !== undefined && gone(hash ?? '') && !isOpen;
  }),
});

const without = <K extends string, V>(
  members: Readonly<Record<K, V>>,
  drop: (key: K) => boolean,
): Readonly<Record<K, V>> =>
  Object.fromEntries(Object.entries(members).filter(([key]) => !drop(key as K))) as Readonly<
    Record<K, V>
  >;
