import type { Seconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import { everyOf, periodOf } from '../../src/policy/window.ts';
import type { Disk } from '../store/disk.ts';
import { ENTRY } from '../store/entry.ts';
import { remove, type Write } from '../store/noun.ts';
import { CALL } from './call/call-record.ts';
import { IDENTIFIER } from './call/payment-identifier.ts';
import { APPLIED_COMMAND } from './commands/applied-command.ts';
import { LOGGED_TEXT, TEXT_REMEMBERED } from './commands/document.ts';
import type { Purse } from './purse.ts';
import type { AccountState } from './state.ts';
import { HELD_GRANT, type HeldGrant, linksOf } from './tree/grants.ts';
import { pruneTree } from './tree/issued-lease.ts';

/**
 * Runs one step of pruning.
 *
 * @param exported every entry up to this seq is in D1.
 * @param due when the next call is known to be over.
 * @returns when to prune again; undefined if no remaining call will be deleted.
 */
export type Pruning = (
  now: Seconds,
  exported: number,
  due: Seconds | undefined,
) => Seconds | undefined;

/** How often long-lived nouns are checked: each check reads all of them. */
const DAY: Seconds = 86_400;

/** Deletes values that no decision can need any more. */
export const openPruning = (disk: Disk): Pruning => {
  const pruneCalls = openCallPruning(disk);
  let prunedAt: Seconds = 0;

  return (now, exported, due) => {
    disk.removeAll(ENTRY, [['key', '<=', exported]]);
    disk.removeAll(APPLIED_COMMAND, [['until', '<=', now]]);
    if (now >= prunedAt + DAY) {
      prunedAt = now;
      pruneTree(disk, now);
      disk.removeAll(LOGGED_TEXT, [['at', '<', now - TEXT_REMEMBERED]]);
    }
    return pruneCalls(now, exported, due);
  };
};

/** The calls that one step reads. The account answers no request meanwhile, and it may remember a million calls. */
const STEP = 2_000;
/** The pause before the next step of a longer walk: the walk can delete a thousand calls a second, more than an account can accept. */
const STEP_PAUSE: Seconds = 2;
/** The pause before calls that wait for their export are read again. */
const BLOCKED_PAUSE: Seconds = 300;
/** The next walk begins after this pause at the latest, and finds calls that ended behind the position of this one. */
const WALK_PAUSE: Seconds = 3_600;

/**
 * Deletes calls whose time is over and whose entries D1 has. An index on that time would cost two rows a call, and rows are the bill. So
 * the calls are walked in the order of their keys, a step each time the alarm fires, and only while something is due.
 */
export const openCallPruning = (disk: Disk, step: number = STEP): Pruning => {
  /** The last call that this walk has passed; undefined between walks. */
  let after: Hex | undefined;
  /** The earliest time at which a call that the walk has passed can be deleted. */
  let soonest: Seconds | undefined;
  /** Whether one walk has read all calls since the account woke. */
  let hasWalked = false;

  return (now, exported, due) => {
    // The alarm also fires for other work, so a walk that pauses checks its own time.
    const isLater = due !== undefined && due > now;
    if (after === undefined ? hasWalked && (due === undefined || isLater) : isLater) return due;
    if (after === undefined) soonest = undefined;
    const seen = [...disk.list(CALL, { where: [['key', '>', after ?? '']], limit: step })];
    const removals: Write[] = [];
    for (const { key, prune_at: pruneAt, last_seq: lastSeq, identifier } of seen) {
      if (pruneAt === null) continue;
      // A call whose entries D1 does not have yet must stay. Checking it every second would cost a row each time.
      if (Number(lastSeq) > exported) soonest = earlier(soonest, now + BLOCKED_PAUSE);
      else if (Number(pruneAt) > now) soonest = earlier(soonest, Number(pruneAt));
      else {
        removals.push(remove(CALL, key));
        if (identifier !== null) removals.push(remove(IDENTIFIER, identifier));
      }
    }
    if (removals.length > 0) disk.write(removals);
    if (seen.length === step) {
      after = seen.at(-1)?.key as Hex;
      return now + STEP_PAUSE;
    }
    const wasLong = after !== undefined;
    after = undefined;
    hasWalked = true;
    return wasLong ? earlier(soonest, now + WALK_PAUSE) : soonest;
  };
};

const earlier = (one: Seconds | undefined, other: Seconds): Seconds =>
  one === undefined ? other : Math.min(one, other);

/** A held grant is useless this long after its end: it can neither be registered again nor pay for a call. */
const KEEP_ENDED: Seconds = 3_600;

export const droppedAt = ({ grant }: HeldGrant): Seconds =>
  Number(grant.delegation.validUntil) + KEEP_ENDED;

export const isOver = (held: HeldGrant, now: Seconds): boolean => now >= droppedAt(held);

/**
 * Drops ended grants, their issuers' last answers and their counters: every commit stores the whole account. A grant stays while
 * it has shares: its parent has not acknowledged them yet, and forgotten spend could be returned (law 6).
 *
 * @returns the same state if nothing is dropped, and removals of the grants.
 */
export const dropEndedGrants = (
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
    Object.entries(state.purses).map(([asset, purse]) => [
      asset,
      withoutCounters(purse, gone, now),
    ]),
  );
  return {
    state: { ...state, held, tree: { ...state.tree, answers }, purses },
    writes: dropped.map((hash) => remove(HELD_GRANT, hash)),
  };
};

/** A grant's counters are named `<hash>/lifetime`. */
const withoutCounters = (purse: Purse, gone: (hash: string) => boolean, now: Seconds): Purse => ({
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
