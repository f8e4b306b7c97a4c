import type { Hex } from '../../src/core/account-id.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { hasUnused } from './slices.ts';
import type { AccountState } from './state.ts';
import { linksOf } from './tree.ts';

/** An account that is this long without use of a lease gives back what it did not use. */
const IDLE_GRACE: Seconds = 5;

/** Grants above under which unused money rests here although the lease is over; it goes back (design §5, "renewed by use"). */
export const idleBranches = (state: AccountState, now: Seconds): readonly Hex[] =>
  unusedBranches(state, now).filter((issued) => dueAt(state, issued) <= now);

/** When the alarm must look for such; undefined when nothing can become idle. */
export const idleAt = (state: AccountState, now: Seconds): Seconds | undefined =>
  unusedBranches(state, now).reduce<Seconds | undefined>((first, issued) => {
    const due = dueAt(state, issued);
    return first === undefined || due < first ? due : first;
  }, undefined);

const unusedBranches = ({ tree, held }: AccountState, now: Seconds): readonly Hex[] =>
  [...new Set(held.flatMap(linksOf).map(({ hash }) => hash))].filter((hash) =>
    hasUnused(tree.books[hash] ?? {}, now),
  );

/** Who has slept holds no lease any more. */
const dueAt = ({ leases }: AccountState, issued: Hex): Seconds =>
  (leases[issued]?.until ?? 0) + IDLE_GRACE;
