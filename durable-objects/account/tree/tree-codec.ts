import { max, toStored } from '../../../src/protocol/amount.ts';
import type { AccountId, AssetId } from '../../../src/protocol/account-id.ts';
import type { Hex } from '../../../src/core/hex.ts';
import {
  type AgentDelegation,
  type DelegationFields,
  delegationFields,
} from '../../../src/protocol/intent/agent-delegation.ts';
import { type Policy } from '../../../src/policy/policy.ts';
import { parsePolicy, policyJson } from '../../../src/policy/policy.ts';
import { compiled, issuerOf } from './authority.ts';
import type { Row } from '../codec.ts';
import type { LeaseRow } from './lessor.ts';
import { shareEnd } from './shares.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { Share, Shares } from '../../../src/protocol/account/lease.ts';
import {
  EMPTY_TREE,
  type HeldGrant,
  type IssuedGrant,
  isZero,
  outstandingOf,
  type Tree,
  unusedOf,
  type WrittenPolicy,
} from './tree.ts';

/** An account's place in its tree as one JSON column, null for one that has none; amounts are checked numbers, as in purses. */
export const encodeTree = (tree: Tree): string | null =>
  tree === EMPTY_TREE ? null : JSON.stringify(treeJson(tree));

const treeJson = ({ operator, owner, books, ...tree }: Tree): object => ({
  ...tree,
  ...(operator === undefined ? {} : { operator: writtenJson(operator) }),
  ...(owner === undefined ? {} : { owner: writtenJson(owner) }),
  books: Object.fromEntries(
    Object.entries(books).map(([issued, shares]) => [issued, sharesJson(shares)]),
  ),
});

type StoredTree = Omit<Tree, 'operator' | 'owner' | 'books'> & {
  readonly operator?: StoredPolicy;
  readonly owner?: StoredPolicy;
  readonly books: Readonly<Record<Hex, Record<string, StoredShare>>>;
};
type StoredPolicy = { readonly document: unknown; readonly hash: Hex };
type StoredShare = readonly [
  start: number,
  granted: number,
  returned: number,
  spent: number,
  held: number,
];

export const decodeTree = (text: string | null): Tree => {
  if (text === null) return EMPTY_TREE;
  const { operator, owner, books, ...tree } = JSON.parse(text) as StoredTree;
  return {
    ...tree,
    // Before there were two, the one there was had been ordered by an operator.
    ...(tree.operatorStatus === undefined &&
    tree.ownerStatus === undefined &&
    tree.status !== 'active'
      ? { operatorStatus: tree.status }
      : {}),
    ...(operator === undefined ? {} : { operator: written(operator) }),
    ...(owner === undefined ? {} : { owner: written(owner) }),
    books: Object.fromEntries(
      Object.entries(books).map(([issued, shares]) => [issued, sharesOf(shares)]),
    ),
  };
};

const writtenJson = ({ policy, hash }: WrittenPolicy): StoredPolicy => ({
  document: policyJson(policy),
  hash,
});

/** A policy that cannot be read any more lets nothing through (law 8). */
const written = ({ document, hash }: StoredPolicy): WrittenPolicy => {
  const parsed = parsePolicy(document);
  const nothing: Policy = { tools: [], windows: [], deny: [], require: [] };
  return { policy: parsed.ok ? parsed.value : nothing, hash };
};

const sharesJson = (shares: Shares): Record<string, StoredShare> =>
  Object.fromEntries(
    Object.entries(shares).map(([name, { start, granted, returned, spent, held }]) => [
      name,
      [start, toStored(granted), toStored(returned), toStored(spent), toStored(held)],
    ]),
  );

const sharesOf = (stored: Readonly<Record<string, StoredShare>>): Shares =>
  Object.fromEntries(
    Object.entries(stored).map(
      ([name, [start, granted, returned, spent, held]]): [string, Share] => [
        name,
        {
          start,
          granted: BigInt(granted),
          returned: BigInt(returned),
          spent: BigInt(spent),
          held: BigInt(held),
        },
      ],
    ),
  );

type StoredGrant = Omit<SignedGrant, 'delegation'> & { readonly delegation: DelegationFields };

const grantJson = (grant: SignedGrant): StoredGrant => ({
  ...grant,
  delegation: delegationFields(grant.delegation),
});

const grantOf = ({ delegation, ...grant }: StoredGrant): SignedGrant => ({
  ...grant,
  delegation: {
    ...delegation,
    maxPerCall: BigInt(delegation.maxPerCall),
    maxTotal: BigInt(delegation.maxTotal),
    windowSeconds: BigInt(delegation.windowSeconds),
    maxPerWindow: BigInt(delegation.maxPerWindow),
    validAfter: BigInt(delegation.validAfter),
    validUntil: BigInt(delegation.validUntil),
    epoch: BigInt(delegation.epoch),
  } satisfies AgentDelegation,
});

const grantRow = (
  side: 'held' | 'issued',
  {
    grant,
    status,
    registeredAt,
  }: Pick<HeldGrant | IssuedGrant, 'grant' | 'status' | 'registeredAt'>,
  content: object,
): SqlStorageValue[] => [
  grant.hash,
  side,
  grant.delegation.id,
  status,
  Number(grant.delegation.validUntil),
  registeredAt,
  isZero(grant.delegation.parent) ? 1 : 0,
  JSON.stringify({ grant: grantJson(grant), ...content }),
];

export const encodeHeld = (held: HeldGrant): SqlStorageValue[] =>
  grantRow('held', held, { chain: held.chain.map(grantJson), consent: held.consent });

export const decodeHeld = (row: Row): HeldGrant => {
  const { grant, chain, consent } = JSON.parse(row.content as string) as {
    readonly grant: StoredGrant;
    readonly chain: readonly StoredGrant[];
    readonly consent: Hex;
  };
  const own = grantOf(grant);
  return {
    grant: own,
    chain: chain.map(grantOf),
    issuer: issuerOf(own),
    policy: compiled(own),
    status: row.status as HeldGrant['status'],
    consent,
    registeredAt: row.registered_at as number,
  };
};

export const encodeIssued = (issued: IssuedGrant): SqlStorageValue[] =>
  grantRow('issued', issued, { child: issued.child });

export const decodeIssued = (row: Row): IssuedGrant => {
  const { grant, child } = JSON.parse(row.content as string) as {
    readonly grant: StoredGrant;
    readonly child: AccountId;
  };
  return {
    grant: grantOf(grant),
    child,
    status: row.status as IssuedGrant['status'],
    registeredAt: row.registered_at as number,
  };
};

export const encodeLease = ({
  child,
  issued,
  asset,
  until,
  shares,
}: LeaseRow): SqlStorageValue[] => {
  const most = (of: (share: Share) => bigint): number =>
    toStored(Object.values(shares).reduce((least, share) => max(least, of(share)), 0n));
  return [
    child,
    issued,
    asset,
    until,
    most(unusedOf),
    most((share) => outstandingOf(share) - share.spent),
    goodUntil(shares),
    JSON.stringify(sharesJson(shares)),
  ];
};

/** When the last of what could come back is nobody's any more. */
const goodUntil = (shares: Shares): number =>
  Object.entries(shares).reduce(
    (latest, [name, share]) =>
      outstandingOf(share) > share.spent ? Math.max(latest, shareEnd(name, share)) : latest,
    0,
  );

export const decodeLease = (row: Row): LeaseRow => ({
  child: row.child as AccountId,
  issued: row.issued as Hex,
  asset: row.asset as AssetId,
  until: row.until as number,
  shares: sharesOf(JSON.parse(row.shares as string) as Record<string, StoredShare>),
});

/** What has been spent below by one grant, by the counter that saw most of it; where there is no limit, by what was lent. */
export const spentOf = ({ shares }: LeaseRow): bigint =>
  Object.values(shares).reduce((most, { spent }) => max(most, spent), 0n);
