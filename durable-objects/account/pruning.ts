import type { Seconds } from '../../src/core/clock.ts';
import { everyOf, periodOf } from '../../src/policy/window.ts';
import type { Disk } from '../store/disk.ts';
import { remove, type Write } from '../store/noun.ts';
import { APPLIED_COMMAND } from './commands/applied-command.ts';
import { LOGGED_TEXT, TEXT_REMEMBERED } from './commands/document.ts';
import { ENDED_SESSION } from './ended-session.ts';
import type { Purse } from './purse.ts';
import type { AccountState } from './state.ts';
import { cutOffCount } from './tree/ancestors.ts';
import { HELD_GRANT, type HeldGrant, linksOf } from './tree/grants.ts';
import { pruneTree } from './tree/issued-lease.ts';

/** How often long-lived nouns are checked: each check reads all of them. */
const DAY: Seconds = 86_400;
/** Pages of ended calls are deleted at most this often: each alarm costs a row. */
const FORGET_PAUSE: Seconds = 600;

/**
 * Deletes values that no decision can need any more.
 *
 * @param exported every entry up to this seq is in D1.
 * @returns when to prune again; undefined if no remaining call will be forgotten.
 */
export type Pruning = (now: Seconds, exported: number) => Seconds | undefined;

export const openPruning = (disk: Disk): Pruning => {
  let prunedAt: Seconds = 0;

  return (now, exported) => {
    const commands = [...disk.find(APPLIED_COMMAND, { where: [['until', '<=', now]] })];
    disk.write(commands.map(({ digest }) => remove(APPLIED_COMMAND, digest)));
    const sessions = [...disk.find(ENDED_SESSION, { where: [['until', '<=', now]] })];
    disk.write(sessions.map(({ key }) => remove(ENDED_SESSION, key)));
    if (now >= prunedAt + DAY) {
      prunedAt = now;
      pruneTree(disk, now);
      const texts = [...disk.find(LOGGED_TEXT, { where: [['at', '<', now - TEXT_REMEMBERED]] })];
      disk.write(texts.map(({ hash }) => remove(LOGGED_TEXT, hash)));
    }
    const due = disk.forget({ now, exported });
    return due === undefined ? undefined : Math.max(due, now + FORGET_PAUSE);
  };
};

/** A held grant is useless this long after its end: it can neither be registered again nor pay for a call. */
const KEEP_ENDED: Seconds = 3_600;

export const droppedAt = ({ grant }: HeldGrant): Seconds =>
  Number(grant.delegation.validUntil) + KEEP_ENDED;

export const isOver = (held: HeldGrant, now: Seconds): boolean => now >= droppedAt(held);

/**
 * Drops ended grants, their issuers' last answers and their counters: every commit stores the whole account. A grant stays while it has
 * shares: its parent has not acknowledged them yet, and forgotten spend could be returned (law 6). All grants stay until the log names the
 * ancestors that their links show as cut off: such an ancestor would otherwise become one again.
 *
 * @returns the same state if nothing is dropped, and removals of the grants.
 */
export const dropEndedGrants = (
  state: AccountState,
  now: Seconds,
): { readonly state: AccountState; readonly writes: readonly Write[] } => {
  const isLogged = cutOffCount(state, now) === (state.tree.cutOff ?? 0);
  const isDone = (each: HeldGrant): boolean =>
    isOver(each, now) &&
    isLogged &&
    linksOf(each).every(({ hash }) => state.tree.shares[hash] === undefined);
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
    // An ended period leaves nothing to return.
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
