import { min } from '../../../src/protocol/amount.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import { parsePolicy } from '../../../src/policy/policy.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { issuerOf } from './authority.ts';
import { isClosing } from './idle.ts';
import { LEASE_SECONDS } from './lessor.ts';
import { allReturned, heard, shareEnd, shareOf, withBook } from './shares.ts';
import type { AccountState } from '../state.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type {
  Authority,
  LeaseVerdict,
  Recall,
  Returned,
  Shares,
} from '../../../src/protocol/account/lease.ts';
import {
  CREDIT,
  type HeldGrant,
  type Lease,
  linksOf,
  NO_SHARE,
  type Tree,
  unusedOf,
} from './tree.ts';

/** How long a refusal of an account above is believed without asking again. */
const REFUSED_SECONDS: Seconds = 2;

/** How long after its end a period is remembered. */
const FORGET_SECONDS: Seconds = 86_400;

/** What must be asked above before a call can be decided: from whom, and how much it needs. */
export type Ask = {
  readonly link: SignedGrant;
  readonly need: bigint;
  /** Of the credit of that account. */
  readonly credit?: bigint;
};

/** The accounts above whose word has run out, or whose share does not cover the price. */
export const asksOf = (
  state: AccountState,
  grant: HeldGrant | undefined,
  price: bigint,
  now: Seconds,
): readonly Ask[] =>
  grant === undefined
    ? []
    : linksOf(grant)
        .filter((link) => !covers(state, link, price, now))
        .map((link) => ({ link, need: price }));

const covers = (state: AccountState, link: SignedGrant, price: bigint, now: Seconds): boolean => {
  const lease = state.leases[link.hash];
  if (lease === undefined || now >= lease.until) return false;
  // Who has refused has nothing to share.
  return lease.status !== 'active' || canDraw(state, link, lease, price, now);
};

/** Whether an account above has last said that it lets nothing through: a call must be told that before anything else. */
export const wasStopped = ({ tree }: AccountState, { hash }: SignedGrant): boolean => {
  const word = tree.words[hash];
  return word !== undefined && word.status !== 'active';
};

/** Whether an account above had too little for as much as one of these a moment ago. */
export const wasShort = ({ leases }: AccountState, asks: readonly Ask[]): boolean =>
  asks.some(({ link, need }) => {
    const shortOf = leases[link.hash]?.shortOf;
    return shortOf !== undefined && need >= shortOf;
  });

const canDraw = (
  { tree }: AccountState,
  { hash }: SignedGrant,
  { names }: Lease,
  price: bigint,
  now: Seconds,
): boolean =>
  price === 0n ||
  names.every((name) => {
    const share = shareOf(tree, hash, name);
    return now < shareEnd(name, share) && unusedOf(share) >= price;
  });

/** Whether the leased credit of the account above covers a price. */
export const lends = (state: AccountState, { hash }: SignedGrant, price: bigint): boolean =>
  unusedOf(shareOf(state.tree, hash, CREDIT)) >= price;

/**
 * Takes over what an account above has answered. Its totals only grow, and a word that is older than one that was heard is not
 * listened to: a lease that was granted before a freeze must not arrive after it (law 6). Nothing is written: the one above remembers.
 *
 * @param need what was asked for: while denied calls flood, as much is not asked for again at once.
 */
export const takeLease = (
  state: AccountState,
  link: SignedGrant,
  verdict: Exclude<LeaseVerdict, { readonly verdict: 'unavailable' }>,
  askedAt: Seconds,
  need: bigint,
): AccountState => {
  const { authority } = verdict;
  const word = state.tree.words[link.hash];
  const told =
    verdict.verdict === 'refused'
      ? state.tree
      : withoutEnded(withShares(state.tree, link.hash, verdict.shares), link.hash, askedAt);
  if (word !== undefined && authority.revision < word.revision) return { ...state, tree: told };
  const known = state.leases[link.hash];
  // Its policies were left out for one who knew them and has forgotten them meanwhile: without them it is no lease (law 8).
  if (authority.policies === undefined && known?.policiesHash !== authority.policiesHash) {
    return { ...state, tree: told };
  }
  const lease: Lease = {
    until: untilOf(verdict.verdict, known, askedAt),
    status: authority.status,
    names: verdict.verdict === 'refused' ? [] : namesOf(verdict.shares),
    policies: policiesOf(link, authority) ?? known?.policies ?? [],
    policiesHash: authority.policiesHash,
    ...shortOf(verdict.verdict, known?.shortOf, need),
  };
  const words = { ...told.words, [link.hash]: wordOf(authority) };
  return {
    ...state,
    tree: { ...told, words },
    leases: { ...state.leases, [link.hash]: lease },
  };
};

/** Less was too much a moment ago, so this is, too; what was granted says nothing of more. */
const shortOf = (
  verdict: 'leased' | 'short' | 'refused',
  known: bigint | undefined,
  need: bigint,
): Pick<Lease, 'shortOf'> => {
  if (verdict === 'short') return { shortOf: min(known ?? need, need) };
  return verdict === 'leased' && known !== undefined && need < known ? { shortOf: known } : {};
};

/**
 * From when it was asked for, by the clock that will look at it: no skew can make it longer. Who was given nothing may decide no longer
 * than before: the account above does not count it among those that it must tell of a freeze.
 */
const untilOf = (
  verdict: 'leased' | 'short' | 'refused',
  known: Lease | undefined,
  askedAt: Seconds,
): Seconds => {
  switch (verdict) {
    case 'leased':
      return askedAt + LEASE_SECONDS;
    case 'short':
      return known?.until ?? 0;
    case 'refused':
      return askedAt + REFUSED_SECONDS;
  }
};

const wordOf = ({ revision, status }: Authority) => ({ revision, status });

const namesOf = (shares: Shares): readonly string[] =>
  Object.keys(shares).filter((name) => name !== CREDIT);

const withShares = (tree: Tree, issued: Hex, told: Shares): Tree => {
  const book = { ...tree.books[issued] };
  for (const [name, share] of Object.entries(told)) book[name] = heard(book[name], share);
  return withBook(tree, issued, book);
};

/**
 * A counter above that is gone leaves its last period in the book, which is in the row that each commit writes: an owner could make
 * those rows grow with each policy. What was spent is forgotten only long after no clock will take that period for the current one.
 */
const withoutEnded = (tree: Tree, issued: Hex, now: Seconds): Tree => {
  const book = Object.entries(tree.books[issued] ?? {});
  const kept = book.filter(
    ([name, share]) => share.held !== 0n || now < shareEnd(name, share) + FORGET_SECONDS,
  );
  return kept.length === book.length ? tree : withBook(tree, issued, Object.fromEntries(kept));
};

/** A policy above that cannot be read lets nothing through (law 8). */
export const policiesOf = (
  link: SignedGrant,
  { policies }: Authority,
): Lease['policies'] | undefined =>
  policies?.map(({ kind, hash, document }) => {
    const account = issuerOf(link);
    const parsed = parsePolicy(document);
    const policy = parsed.ok ? parsed.value : { tools: [], windows: [], deny: [], require: [] };
    return { key: `${account}/${kind}`, origin: { kind, account, hash }, policy };
  });

/**
 * An account above takes back what is unused and says how things stand. What it hears is committed before it hears it: a total that
 * was told and then forgotten would be spent twice (law 6).
 */
export const recalled = (
  state: AccountState,
  { branches }: Recall,
  { now }: Context,
): Decision<Returned> => {
  let { tree, leases } = state;
  let durable = false;
  const told: Record<Hex, Shares> = {};
  for (const [key, { revision, status, shares }] of Object.entries(branches)) {
    const issued = key as Hex;
    if (tree.books[issued] === undefined && !state.held.some(holds(issued))) {
      told[issued] = closed(shares);
      continue;
    }
    const word = tree.words[issued];
    if (word === undefined || revision > word.revision) {
      tree = { ...tree, words: { ...tree.words, [issued]: { revision, status } } };
      durable = true;
      const lease = leases[issued];
      // Whatever has changed above, the next call asks again; a refusal holds at once.
      if (lease !== undefined) {
        const until = status === 'active' ? 0 : now + REFUSED_SECONDS;
        const { shortOf: _, ...rest } = lease;
        leases = { ...leases, [issued]: { ...rest, status, until } };
      }
    }
    const before = withShares(tree, issued, shares).books[issued] ?? {};
    const after = allReturned(before);
    durable ||= Object.entries(after).some(
      ([name, { returned }]) => returned !== (tree.books[issued]?.[name] ?? NO_SHARE).returned,
    );
    tree = withBook(tree, issued, after);
    told[issued] = after;
  }
  const verdict: Returned = { verdict: 'returned', branches: told };
  const next = { ...state, tree, leases };
  return durable
    ? { state: next, records: [], loose: [], durable, verdict }
    : unchanged(next, verdict);
};

/** Reports how this account's books with a parent stand. Returns nothing that the account may still use, and writes nothing. */
export const reported = ({ tree, held }: AccountState, { branches }: Recall): Returned => ({
  verdict: 'returned',
  branches: Object.fromEntries(
    Object.entries(branches).map(([key, { shares }]) => {
      const issued = key as Hex;
      const isForgotten = tree.books[issued] === undefined && !held.some(holds(issued));
      return [issued, isForgotten ? closed(shares) : inBook(shares, tree.books[issued] ?? {})];
    }),
  ),
});

/**
 * The parent's shares as this account's book has them. No call here draws from a share that the book lacks, so nothing of it is held.
 * It is not returned either: its lease may still be on the way, and the parent recalls it once it is known to be unused.
 */
const inBook = (shares: Shares, book: Shares): Shares =>
  Object.fromEntries(
    Object.entries(shares).map(([name, share]) => {
      const own = book[name];
      return [name, own?.start === share.start ? own : { ...share, held: 0n }];
    }),
  );

/**
 * What is left of a grant that was forgotten: all that was not spent. A book is closed only after the account above has heard what was
 * spent (`closeBook`), so its own figures are right; what it gave in a reply that was lost comes back like this.
 */
const closed = (shares: Shares): Shares =>
  Object.fromEntries(
    Object.entries(shares).map(([name, share]) => [
      name,
      { ...share, held: 0n, returned: share.granted - share.spent },
    ]),
  );

const holds =
  (issued: Hex) =>
  (held: HeldGrant): boolean =>
    linksOf(held).some(({ hash }) => hash === issued);

/** Closes the book of a grant that has ended, once the account above has heard how: exactly as it stands, and nothing since. */
export const closeBook = (
  state: AccountState,
  issued: Hex,
  told: Shares,
  now: Seconds,
): Decision<{ readonly verdict: 'ok' }> => {
  const verdict = { verdict: 'ok' } as const;
  const isTold = state.tree.books[issued] === told;
  if (!isTold || !isClosing(state, issued, now)) return unchanged(state, verdict);
  const { [issued]: _, ...books } = state.tree.books;
  const next = { ...state, tree: { ...state.tree, books } };
  return { state: next, records: [], loose: [], durable: true, verdict };
};

/** What an idle account has of one above, all of it returned; undefined while it may still want it. */
export const giveUp = (state: AccountState, issued: Hex): Decision<Shares> => {
  const shares = allReturned(state.tree.books[issued] ?? {});
  const next = { ...state, tree: withBook(state.tree, issued, shares) };
  return { state: next, records: [], loose: [], durable: true, verdict: shares };
};
