import type { Seconds } from '../../../core/clock.ts';
import type { Hex } from '../../../core/hex.ts';
import type { Repeats } from '../../../policy/rule.ts';
import type { AccountId, AssetId } from '../../../protocol/account-id.ts';
import type { Status } from '../../../protocol/account/command.ts';
import type { AgentDelegation } from '../../../protocol/intent/agent-delegation.ts';
import type { ReplayedCall } from './call.ts';

/** The count of a limit in its newest period. Atomic units. */
export type Counter = { readonly start: Seconds; readonly spent: bigint; readonly held: bigint };

/** The money of an account in one asset, as its entries show it. Atomic units. */
export type Purse = {
  readonly credit: bigint;
  readonly creditHeld: bigint;
  readonly deferredHeld: bigint;
  readonly upfrontHeld: bigint;
  readonly unsettled: bigint;
  readonly settled: bigint;
  readonly bounced: bigint;
  readonly bouncedUntil: Seconds;
  readonly counters: Readonly<Record<string, Counter>>;
};

export const EMPTY_PURSE: Purse = {
  credit: 0n,
  creditHeld: 0n,
  deferredHeld: 0n,
  upfrontHeld: 0n,
  unsettled: 0n,
  settled: 0n,
  bounced: 0n,
  bouncedUntil: 0,
  counters: {},
};

/** A grant that the account has taken. */
export type TakenGrant = {
  readonly hash: Hex;
  readonly delegation: AgentDelegation;
  readonly status: 'active' | 'revoked' | 'superseded';
  /** An ancestor has revoked one of the grant's parents, for good. */
  readonly isCutOff?: true;
};

/** The counts of a policy that limits the pace of calls: GCRA arrival in milliseconds, and repeats. */
export type Pace = { readonly arrival: number; readonly repeats: Repeats };

const NO_PACE: Pace = { arrival: 0, repeats: {} };

/** The last screening of an account. A source that does not answer leaves a listed account listed. */
export type ReplayedScreening = {
  readonly isListed: boolean;
  readonly passes: boolean;
  readonly at: Seconds;
};

/**
 * The state of an account at one place of its chain, as its entries show it (docs/audit-format.md, "What the replay of an account keeps").
 * Immutable: a denial is judged on the state of an earlier place.
 */
export type ReplayedAccount = {
  readonly account: AccountId;
  /** Hashes of its two policies. */
  readonly operator: Hex | undefined;
  readonly owner: Hex | undefined;
  readonly status: Status;
  readonly grants: readonly TakenGrant[];
  /** The ancestors that the last grant named, nearest first, and how many of the nearest were cut off since. */
  readonly above: readonly AccountId[];
  readonly cutOff: number;
  /** Whether the account ever took a grant. */
  readonly isGoverned: boolean;
  /** Whether the account has issued grants, so that its limits may be lent to children. */
  readonly lends: boolean;
  readonly base: Pace;
  readonly ownerPace: Pace;
  readonly purses: Readonly<Record<AssetId, Purse>>;
  /** Calls that wait for a person. */
  readonly parked: Readonly<Record<Hex, ReplayedCall>>;
  /** The credit that arrived, by sender and asset. */
  readonly received: Readonly<Record<string, bigint>>;
  /** The last screenings of the account and of ancestors whose credit it spent. */
  readonly screened: Readonly<Record<AccountId, ReplayedScreening>>;
  /** Whether a text is missing, so that counters and pace are unknown from here on. */
  readonly isBlind: boolean;
};

export const newAccount = (account: AccountId): ReplayedAccount => ({
  account,
  operator: undefined,
  owner: undefined,
  status: 'active',
  grants: [],
  above: [],
  cutOff: 0,
  isGoverned: false,
  lends: false,
  base: NO_PACE,
  ownerPace: NO_PACE,
  purses: {},
  parked: {},
  received: {},
  screened: {},
  isBlind: false,
});

export const purseOf = ({ purses }: Pick<ReplayedAccount, 'purses'>, asset: AssetId): Purse =>
  purses[asset] ?? EMPTY_PURSE;

/** Changes the purse of one asset. */
export const withPurse = (
  account: ReplayedAccount,
  asset: AssetId,
  change: (purse: Purse) => Partial<Purse>,
): ReplayedAccount => {
  const purse = purseOf(account, asset);
  return {
    ...account,
    purses: { ...account.purses, [asset]: { ...purse, ...change(purse) } },
  };
};
