import type { Seconds } from '../../../core/clock.ts';
import { type Hex, ZERO_HASH } from '../../../core/hex.ts';
import type { Source } from '../../../policy/evaluate.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { Origin, SpendCounter } from '../../../policy/rule.ts';
import { type Every, periodOf, windowName } from '../../../policy/window.ts';
import {
  accountId,
  type AccountId,
  type AssetId,
  type Network,
  parseAccountId,
} from '../../../protocol/account-id.ts';
import type { Entry } from '../../../protocol/entry.ts';
import { purseOf, type ReplayedAccount } from './account.ts';
import { objectOf, textOf } from './members.ts';
import { counterAt } from './money.ts';
import type { Texts } from './texts.ts';

/** A policy as an entry names it. */
export type Named = Pick<Origin, 'account' | 'hash'> & {
  readonly kind: 'default' | 'operator' | 'owner' | 'grant';
};

/** The policies that bound a call, in the order of their evaluation (docs/audit-format.md, "Which policies bind a call"). */
export const namedPolicies = (
  account: ReplayedAccount,
  { evidence, policy }: Entry,
): readonly Named[] => {
  const list = evidence?.['policies'];
  if (Array.isArray(list)) return list.map((each) => ({ ...objectOf(each) }) as Named);
  const kind = account.operator === undefined ? 'default' : 'operator';
  return policy === undefined ? [] : [{ kind, account: account.account, hash: policy }];
};

/**
 * Whether the list is the one that follows from the account's state at this place.
 *
 * @param grant the grant of the call; undefined if it has none.
 */
export const isRightList = (
  account: ReplayedAccount,
  named: readonly Named[],
  grant: Hex | undefined,
  texts: Texts,
): boolean => {
  const { account: own, operator, owner } = account;
  const expected: Named[] = [
    operator === undefined
      ? { kind: 'default', account: own, hash: named[0]?.hash ?? ZERO_HASH }
      : { kind: 'operator', account: own, hash: operator },
    ...(owner === undefined ? [] : [{ kind: 'owner' as const, account: own, hash: owner }]),
    ...(grant === undefined ? [] : [{ kind: 'grant' as const, account: own, hash: grant }]),
  ];
  const isOwnRight = expected.every((each, at) => isSame(each, named[at]));
  return isOwnRight && areAncestorsRight(own, named.slice(expected.length), grant, texts);
};

const isSame = (one: Named, other: Named | undefined): boolean =>
  one.kind === other?.kind && one.account === other.account && one.hash === other.hash;

/**
 * After the account's own policies follow, for each issuer, the policies that its lease brought, then the grant that the issuer itself
 * holds.
 */
const areAncestorsRight = (
  own: AccountId,
  named: readonly Named[],
  grant: Hex | undefined,
  texts: Texts,
): boolean => {
  const on = networkOf(own);
  let at = 0;
  for (const { issuer, parent } of linksOf(grant, texts)) {
    const account = accountId(on, issuer);
    for (const kind of ['operator', 'owner']) {
      const next = named[at];
      if (next?.kind === kind && next.account === account) at += 1;
    }
    if (parent === ZERO_HASH) break;
    if (!isSame({ kind: 'grant', account, hash: parent }, named[at])) return false;
    at += 1;
  }
  return at === named.length;
};

export const networkOf = (account: AccountId): Network =>
  parseAccountId(account)?.network ?? 'eip155:0';

/** The longest chain of grants (docs/wire-format.md §16); a longer one would be a cycle. */
const MAX_LINKS = 4;

/** A grant and its parents, nearest first; ends where a text is missing. */
export const linksOf = (
  grant: Hex | undefined,
  texts: Texts,
): readonly { readonly hash: Hex; readonly issuer: Hex; readonly parent: Hex }[] => {
  const links: { hash: Hex; issuer: Hex; parent: Hex }[] = [];
  let hash = grant;
  while (hash !== undefined && links.length < MAX_LINKS) {
    const delegation = texts.delegation(hash);
    if (delegation === undefined) break;
    const parent: Hex = /^0x0*$/.test(delegation.parent) ? ZERO_HASH : delegation.parent;
    links.push({ hash, issuer: delegation.issuer, parent });
    hash = parent === ZERO_HASH ? undefined : parent;
  }
  return links;
};

const textOfNamed = ({ kind, hash }: Named, on: Network, texts: Texts): Policy | undefined =>
  kind === 'grant' ? texts.compiled(hash, on) : texts.policy(hash);

/**
 * The named policies in the form that `evaluate` takes. `missing`: the first hash without a text, of the account's own policies or of an
 * ancestor's.
 */
export type Binding = {
  readonly own: readonly Source[];
  readonly ancestors: readonly Source[];
  readonly missing?: Hex;
  readonly isOwnMissing: boolean;
};

/**
 * Rebuilds the inputs of the account's decision from the texts and its counters. Has counters, pace and status only for the account's own
 * policies: those of an ancestor are in the ancestor's chain.
 */
export const bindingOf = (
  account: ReplayedAccount,
  named: readonly Named[],
  asset: AssetId,
  at: Seconds,
  texts: Texts,
): Binding => {
  const on = networkOf(account.account);
  const own: Source[] = [];
  const ancestors: Source[] = [];
  let missing: Hex | undefined;
  let isOwnMissing = false;
  for (const each of named) {
    const isOwn = each.account === account.account;
    const policy = textOfNamed(each, on, texts);
    if (policy === undefined) {
      // A malformed list may lack a hash.
      missing ??= (each.hash as Hex | undefined) ?? '0x';
      isOwnMissing ||= isOwn;
    } else if (isOwn) {
      own.push(ownSource(account, each, policy, asset, at));
    } else {
      const key = `${each.account}/${each.hash}`;
      ancestors.push({ key, origin: each, status: 'active', policy, counters: [] });
    }
  }
  return { own, ancestors, isOwnMissing, ...(missing === undefined ? {} : { missing }) };
};

const ownSource = (
  account: ReplayedAccount,
  named: Named,
  policy: Policy,
  asset: AssetId,
  at: Seconds,
): Source => {
  const { kind, hash } = named;
  const shared = { origin: named, status: account.status, policy };
  const countersOf = (prefix: string) => limitCounters(account, policy, asset, at, prefix);
  if (kind === 'grant') return { ...shared, key: hash, counters: countersOf(`${hash}/`) };
  const pace = kind === 'owner' ? account.ownerPace : account.base;
  return { ...shared, ...pace, key: kind === 'owner' ? 'owner' : 'base', counters: countersOf('') };
};

/** The limits on money of a policy, with what this account has counted itself. */
const limitCounters = (
  account: ReplayedAccount,
  policy: Policy,
  asset: AssetId,
  at: Seconds,
  prefix: string,
): readonly SpendCounter[] => {
  const purse = purseOf(account, asset);
  return limitsOf(policy, asset).map(({ every, limit }) => {
    const name = windowName(every);
    const { start, spent, held } = counterAt(purse, `${prefix}${name}`, at);
    const { end } = periodOf(every, start);
    return every === 'lifetime'
      ? { rule: 'lifetime', name, limit, spent, held }
      : { rule: 'window', name, limit, spent, held, resetsAt: end, window: end - start };
  });
};

/** The limits on money of a policy in one asset. */
export const limitsOf = (
  policy: Policy,
  asset: AssetId,
): readonly { readonly every: Every; readonly limit: bigint }[] => [
  ...policy.windows.filter((window) => window.asset === undefined || window.asset === asset),
  ...(policy.lifetime === undefined
    ? []
    : [{ every: 'lifetime' as const, limit: policy.lifetime }]),
];

/** The names of the account's own counters in which a call counts, without duplicates. */
export const counterNames = (own: readonly Source[], asset: AssetId): readonly string[] => [
  ...new Set(
    own.flatMap(({ key, origin, policy }) =>
      limitsOf(policy, asset).map(({ every }) =>
        origin.kind === 'grant' ? `${key}/${windowName(every)}` : windowName(every),
      ),
    ),
  ),
];

/** The grant that the signed intent of a call names; undefined if it names none. */
export const authorityOf = ({ evidence }: Entry): Hex | undefined => {
  const authority = textOf(objectOf(evidence?.['intent'])?.['authority']);
  return authority === undefined || authority === ZERO_HASH ? undefined : (authority as Hex);
};
