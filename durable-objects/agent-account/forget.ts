import type { Hex } from '../../src/core/account-id.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { AccountState, Purse } from './state.ts';
import { type HeldGrant, linksOf, type Tree } from './tree.ts';

/** A grant that was held is of no use to anybody this long after its end: it cannot be registered again, and no call of it runs. */
export const FORGET_HELD: Seconds = 3_600;

/**
 * The account without what it knew of grants that have ended: their books, the last words of their issuers, and their counters. All of
 * it stands in the one row that every commit writes. What calls still hold, or others still have, is kept. The same state where nothing
 * is to be forgotten.
 */
export const forget = (state: AccountState, now: Seconds): AccountState => {
  const held = state.held.filter((each) => !isOver(each, now));
  if (held.length === state.held.length) return state;
  const links = new Set<string>(held.flatMap(linksOf).map(({ hash }) => hash));
  const gone = (hash: string): boolean => !links.has(hash);
  const idle = (issued: Hex): boolean =>
    Object.values(state.tree.books[issued] ?? {}).every((slice) => slice.held === 0n);
  const tree: Tree = {
    ...state.tree,
    books: without(state.tree.books, (issued) => gone(issued) && idle(issued)),
    words: without(state.tree.words, (issued) => gone(issued) && idle(issued)),
  };
  const purses = Object.fromEntries(
    Object.entries(state.purses).map(([asset, purse]) => [asset, forgetful(purse, gone)]),
  );
  return { ...state, held, tree, purses };
};

const isOver = ({ grant }: HeldGrant, now: Seconds): boolean =>
  BigInt(now) >= grant.delegation.validUntil + BigInt(FORGET_HELD);

/** The counters of a grant are named for it: `<hash>/lifetime`. */
const forgetful = (purse: Purse, gone: (hash: string) => boolean): Purse => ({
  ...purse,
  windows: without(purse.windows, (name) => {
    const [hash, counter] = name.split('/');
    const { held = 0n, leased = 0n, drawn = 0n } = purse.windows[name] ?? {};
    return counter !== undefined && gone(hash ?? '') && held === 0n && leased === drawn;
  }),
});

const without = <K extends string, V>(
  members: Readonly<Record<K, V>>,
  drop: (key: K) => boolean,
): Readonly<Record<K, V>> =>
  Object.fromEntries(Object.entries(members).filter(([key]) => !drop(key as K))) as Readonly<
    Record<K, V>
  >;
