import type { AccountId, AssetId } from '../../src/protocol/account-id.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { GENESIS } from '../../src/audit/entry.ts';
import { type ChainHead } from '../../src/protocol/entry.ts';
import type { WindowSpend } from '../../src/policy/window.ts';
import type { Denial, DenialRule } from '../../src/protocol/account/denial.ts';
import { EMPTY_TREE, type HeldGrant, type Lease, type Tree } from './tree/tree.ts';

/** The money of an account in one asset. Atomic units. */
export type Purse = {
  /** Prepaid money; negative is a debt, which refuses the account until it is cleared (design §6). */
  readonly credit: bigint;
  /** Part of the credit that running calls have reserved. */
  readonly creditHeld: bigint;
  /** Part of the credit that accounts below have and did not spend yet; what they spent is gone from `credit`. */
  readonly creditLent: bigint;
  /** Part of `creditLent` that running calls of accounts below hold, as those last reported. */
  readonly creditHeldBelow: bigint;
  /** Payments of running calls that will be settled after the tool: exposure. */
  readonly deferredHeld: bigint;
  /** Payments that are being settled before their tool runs: no exposure, but the balance must cover them too. */
  readonly upfrontHeld: bigint;
  /** Accepted, the tool has answered, the chain has not settled yet: exposure. */
  readonly unsettled: bigint;
  /** Of that, what could not be presented through the payer: while it is open, nothing more is served before it is paid for (law 7). */
  readonly bounced: bigint;
  /** When the last of those payments can no longer move; 0 where there is none. */
  readonly bouncedUntil: Seconds;
  /** Everything that ever settled here: what a payer may owe at most (law 7). */
  readonly settled: bigint;
  /** The payer's token balance at `balanceBlock`, less what settled in later blocks. */
  readonly balance: bigint;
  readonly balanceBlock: number;
  readonly balanceAt: Seconds;
  /** Newest block of a settlement here: facts from a node that lags behind it would give that money back. */
  readonly settledBlock: number;
  readonly windows: Readonly<Record<string, WindowSpend>>;
};

/** Equal denials within ten seconds, not yet an entry. */
export type DenialBucket = {
  readonly rule: DenialRule;
  readonly since: Seconds;
  readonly count: number;
  readonly tool: string;
  readonly call: `0x${string}`;
  readonly request: `0x${string}`;
  readonly of?: Pick<Denial, 'account' | 'limit' | 'param' | 'grant' | 'authority'>;
  readonly policy: `0x${string}`;
};

/** The account's one row, decoded. A new account is `emptyAccount`: no row, no table, until something is accepted. */
export type AccountState = {
  readonly account: AccountId;
  readonly head: ChainHead;
  /** Every entry up to this seq is in D1. */
  readonly exported: number;
  readonly hasCode: boolean;
  /** When code was last looked up; 0 = never. */
  readonly factsAt: Seconds;
  readonly factsBlock: number;
  /** GCRA arrival time, milliseconds. */
  readonly arrival: number;
  /** As `arrival`, of denied calls and dry runs, and of calls that fail (pace.ts). Stored with whatever else is written. */
  readonly denialArrival: number;
  readonly failureArrival: number;
  readonly purses: Readonly<Record<AssetId, Purse>>;
  readonly denials: readonly DenialBucket[];
  /** Its place in a tree of accounts (design §5). */
  readonly tree: Tree;
  /** The grants it holds, in the order of their registration. */
  readonly held: readonly HeldGrant[];
  /** By the grant that the one above has issued. Never stored, as the two below: who has slept asks again. */
  readonly leases: Readonly<Record<Hex, Lease>>;
  /** When a contract issuer last stood by its signature. */
  readonly grantChecks: Readonly<Record<Hex, Seconds>>;
};

export const EMPTY_PURSE: Purse = {
  credit: 0n,
  creditHeld: 0n,
  creditLent: 0n,
  creditHeldBelow: 0n,
  deferredHeld: 0n,
  upfrontHeld: 0n,
  unsettled: 0n,
  bounced: 0n,
  bouncedUntil: 0,
  settled: 0n,
  balance: 0n,
  balanceBlock: 0,
  balanceAt: 0,
  settledBlock: 0,
  windows: {},
};

export const emptyAccount = (account: AccountId): AccountState => ({
  account,
  head: GENESIS,
  exported: 0,
  hasCode: false,
  factsAt: 0,
  factsBlock: 0,
  arrival: 0,
  denialArrival: 0,
  failureArrival: 0,
  purses: {},
  denials: [],
  tree: EMPTY_TREE,
  held: [],
  leases: {},
  grantChecks: {},
});

export const purseOf = (state: AccountState, asset: AssetId): Purse =>
  state.purses[asset] ?? EMPTY_PURSE;

export const withPurse = (state: AccountState, asset: AssetId, purse: Purse): AccountState => ({
  ...state,
  purses: { ...state.purses, [asset]: purse },
});

/** Money this payer has promised and the chain has not moved yet: all of it must fit into the balance. */
export const promised = (purse: Purse): bigint =>
  purse.deferredHeld + purse.upfrontHeld + purse.unsettled;

/** Accepted service that is not paid yet (law 7). */
export const exposed = (purse: Purse): bigint => purse.deferredHeld + purse.unsettled;

/** What an account has not paid because its payments could not be presented, and until when; undefined where it is trusted. */
export const suspensionOf = ({
  purses,
}: AccountState): { readonly amount: bigint; readonly until: Seconds } | undefined => {
  const bounced = Object.values(purses).find((purse) => purse.bounced > 0n);
  return bounced && { amount: bounced.bounced, until: bounced.bouncedUntil };
};

/** Credit that is free to pay with: neither running calls here nor accounts below have it. */
export const freeCredit = (purse: Purse): bigint =>
  purse.credit - purse.creditHeld - purse.creditLent;

/**
 * Whether the account ever showed money here, or has a place in a tree whose owner did. Denials of others are only counted in metrics
 * (design §5, law 12).
 */
export const isKnown = (state: AccountState): boolean => state.tree.revision > 0 || hasPaid(state);

export const hasPaid = (state: AccountState): boolean =>
  Object.values(state.purses).some((purse) => purse.settled > 0n || purse.credit !== 0n);
