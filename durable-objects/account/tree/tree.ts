import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Source } from '../../../src/policy/evaluate.ts';
import { parsePolicy, type Policy, policyJson } from '../../../src/policy/policy.ts';
import type { Repeats } from '../../../src/policy/rule.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { CommandCost } from '../../../src/protocol/account/command-budget.ts';
import type { Status } from '../../../src/protocol/account/command.ts';
import type { Authority, Share, Shares } from '../../../src/protocol/account/lease.ts';
import { decodeShares, encodeShares, NO_SHARE, type StoredShare } from './share.ts';

/** A policy written for this account. */
export type WrittenPolicy = { readonly policy: Policy; readonly hash: Hex };

/** An ancestor's last answer, kept by the grant that it issued: a late answer must not undo a newer one. */
type Answer = { readonly revision: number; readonly status: Authority['status'] };

/** A rate (GCRA arrival, milliseconds), and the bytes written to the log on the UTC day that began at `day`. */
export type CommandCount = {
  readonly arrival: number;
  readonly day: Seconds;
  readonly bytes: number;
};

/** The account's place in its tree. Stored with the account. */
export type Tree = {
  /** Grows with every change that descendants must learn. */
  readonly revision: number;
  /** The stricter of `operatorStatus` and `ownerStatus`. */
  readonly status: Status;
  readonly operatorStatus?: Status;
  /** `by`: the account that set the status, unless it is `active`. Descendants of `by` cannot lift it. */
  readonly ownerStatus?: { readonly status: Status; readonly by?: AccountId };
  readonly operator?: WrittenPolicy;
  readonly owner?: WrittenPolicy;
  /** The account that wrote the owner's policy. */
  readonly ownerBy?: AccountId;
  readonly label?: string;
  /** The issuer of the grants that this account holds. */
  readonly parent?: AccountId;
  /** All ancestors, nearest first. Kept when the grants that named them are forgotten. */
  readonly ancestors?: readonly AccountId[];
  /** How many of the nearest ancestors the log names as cut off (`outcome.ancestors`). Outlives the grants that show it. */
  readonly cutOff?: number | undefined;
  /** Whether the account ever took a grant. No call is then decided without one: a revoked agent does not become a stranger (law 8). */
  readonly governed: boolean;
  /**
   * The grant of a call without `authority`, while that grant is live: the grant taken last, or the one that an ancestor has chosen since.
   */
  readonly defaultGrant?: Hex;
  /** Grants that this account issued with a lower epoch are revoked. */
  readonly epochFloor: number;
  /** GCRA arrival time of the owner's policy, milliseconds. */
  readonly ownerArrival: number;
  /** Repeat counts, by the policy that counts them: `base` or `owner`. */
  readonly repeats: Readonly<Record<string, Repeats>>;
  /** Shares of ancestors' limits, by the grant that the ancestor issued. */
  readonly shares: Readonly<Record<Hex, Shares>>;
  readonly answers: Readonly<Record<Hex, Answer>>;
  /** Grants whose issuers have received no report since this account last spent from their shares. */
  readonly unreported?: readonly Hex[];
  /** The used parts of the command budgets. */
  readonly commands?: Readonly<Partial<Record<CommandCost['budget'], CommandCount>>>;
  /** When each recent alert was raised. */
  readonly alerts?: Readonly<Record<string, Seconds>>;
};

/** A lease from an ancestor, which lets this account decide calls alone. Never stored: after a wake-up the account requests it again. */
export type HeldLease = {
  readonly until: Seconds;
  readonly status: Authority['status'];
  /** The names of the ancestor's counters that a call by this grant counts in. */
  readonly names: readonly string[];
  readonly policies: readonly Pick<Source, 'key' | 'origin' | 'policy' | 'writer'>[];
  readonly policiesHash: Hex;
  /** The smallest need that the ancestor could not meet since it last granted one. */
  readonly shortOf?: bigint;
};

export const EMPTY_TREE: Tree = {
  revision: 0,
  status: 'active',
  governed: false,
  epochFloor: 0,
  ownerArrival: 0,
  repeats: {},
  shares: {},
  answers: {},
};

export const withShares = (tree: Tree, issued: Hex, shares: Shares): Tree => ({
  ...tree,
  shares: { ...tree.shares, [issued]: shares },
});

/**
 * The tree after a spend that the issuer of a grant does not know about yet, or after the report of it. Returns the same tree if nothing
 * changes.
 */
export const unreported = (tree: Tree, issued: readonly Hex[]): Tree => {
  const all = [...new Set([...(tree.unreported ?? []), ...issued])];
  return all.length === (tree.unreported?.length ?? 0) ? tree : { ...tree, unreported: all };
};
export const reportedOf = (tree: Tree, issued: Hex): Tree => {
  if (tree.unreported?.includes(issued) !== true) return tree;
  const { unreported: all, ...rest } = tree;
  const left = all.filter((each) => each !== issued);
  return left.length === 0 ? rest : { ...rest, unreported: left };
};

export const shareOf = (tree: Tree, issued: Hex, name: string): Share =>
  tree.shares[issued]?.[name] ?? NO_SHARE;

/** A share in which a call counts: the ancestor's grant, the name of the counter, and the start of its period. */
type UsedShare = { readonly issued: Hex; readonly name: string; readonly start: Seconds };

/** As stored in the record of a call. */
export const usedShareText = ({ issued, name, start }: UsedShare): string =>
  `${issued}|${name}|${start}`;

const parseUsedShare = (text: string): UsedShare => {
  const [issued = '', name = '', start = ''] = text.split('|');
  return { issued: issued as Hex, name, start: Number(start) };
};

/** The grants whose shares a call counted against. */
export const grantsUsed = (usedShares: readonly string[]): readonly Hex[] =>
  usedShares.map((text) => parseUsedShare(text).issued);

/** Changes every share in which a call counted. A share whose period has ended no longer exists, and is not created again. */
export const changeUsedShares = <State extends { readonly tree: Tree }>(
  state: State,
  usedShares: readonly string[],
  change: (share: Share) => Share,
): State => {
  let { tree } = state;
  for (const { issued, name, start } of usedShares.map(parseUsedShare)) {
    const share = tree.shares[issued]?.[name];
    if (share === undefined || share.start !== start) continue;
    tree = withShares(tree, issued, { ...tree.shares[issued], [name]: change(share) });
  }
  return tree === state.tree ? state : { ...state, tree };
};

type StoredPolicy = { readonly document: unknown; readonly hash: Hex };

export type StoredTree = Omit<Tree, 'operator' | 'owner' | 'shares'> & {
  readonly operator?: StoredPolicy;
  readonly owner?: StoredPolicy;
  readonly shares: Readonly<Record<Hex, Readonly<Record<string, StoredShare>>>>;
};

export const encodeTree = ({ operator, owner, shares, ...tree }: Tree): StoredTree => ({
  ...tree,
  ...(operator === undefined ? {} : { operator: encodePolicy(operator) }),
  ...(owner === undefined ? {} : { owner: encodePolicy(owner) }),
  shares: Object.fromEntries(
    Object.entries(shares).map(([issued, own]) => [issued, encodeShares(own)]),
  ),
});

export const decodeTree = ({ operator, owner, shares, ...tree }: StoredTree): Tree => ({
  ...tree,
  ...(operator === undefined ? {} : { operator: decodePolicy(operator) }),
  ...(owner === undefined ? {} : { owner: decodePolicy(owner) }),
  shares: Object.fromEntries(
    Object.entries(shares).map(([issued, own]) => [issued, decodeShares(own)]),
  ),
});

const encodePolicy = ({ policy, hash }: WrittenPolicy): StoredPolicy => ({
  document: policyJson(policy),
  hash,
});

/** A policy that does not parse allows nothing (law 8). */
const decodePolicy = ({ document, hash }: StoredPolicy): WrittenPolicy => {
  const parsed = parsePolicy(document);
  const nothing: Policy = { tools: [], windows: [], deny: [], require: [] };
  return { policy: parsed.ok ? parsed.value : nothing, hash };
};
