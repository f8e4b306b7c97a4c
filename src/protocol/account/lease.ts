import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId, AssetId } from '../account-id.ts';
import type { LimitState } from '../limit.ts';
import type { Status } from './status.ts';

/** What one account below has of one counter above: totals that only grow, but for `held`. Atomic units. */
export type Share = {
  /** When the counter's period began: a share is good for that period alone. */
  readonly start: Seconds;
  /** Given to the account below, ever; and what it has given back, ever. */
  readonly granted: bigint;
  readonly returned: bigint;
  /** What it has spent of it, and what its running calls hold. */
  readonly spent: bigint;
  readonly held: bigint;
};

/** Shares by the name of the counter above, e.g. `day`, `lifetime`, `<grant>/lifetime`, `credit`. */
export type Shares = Readonly<Record<string, Share>>;

/** A policy of an account above, which binds everybody below it as well. */
export type AncestorPolicy = {
  readonly kind: 'operator' | 'owner';
  readonly hash: Hex;
  /** As `policyJson` writes it. */
  readonly document: unknown;
};

/** An account above, as it lets one grant of its own be used. A lower revision is an older word and says nothing. */
export type Authority = {
  readonly revision: number;
  readonly status: Status | 'expired' | 'unknown';
  /** Absent where the asker knows them already, by `policiesHash`. */
  readonly policies?: readonly AncestorPolicy[];
  readonly policiesHash: Hex;
};

/** Asks an account above for a share of its limits and for its word that a grant lives (design §5, "Hierarchy by leases"). */
export type LeaseRequest = {
  readonly child: AccountId;
  /** The grant by which the account above let this branch of its tree grow: it has issued it. */
  readonly issued: Hex;
  readonly asset: AssetId;
  /** What the child must have unused in every counter to go on, and what it would like to have. */
  readonly need: bigint;
  readonly want: bigint;
  /** As `need`, of the account's credit; absent where the child pays otherwise. */
  readonly credit?: bigint;
  readonly creditWant?: bigint;
  /** The child's books with this account, under this grant. */
  readonly shares: Shares;
  readonly knows?: Hex;
  /** Only says what it would give. */
  readonly dryRun?: boolean;
};

export type LeaseVerdict =
  /** Good for `LEASE_SECONDS` from when it was asked for. */
  | { readonly verdict: 'leased'; readonly authority: Authority; readonly shares: Shares }
  /** The grant lives, but this limit has too little left; nothing is given. */
  | {
      readonly verdict: 'short';
      readonly authority: Authority;
      readonly shares: Shares;
      readonly rule: 'window' | 'lifetime' | 'credit';
      readonly limit: LimitState;
    }
  /** The grant, or the account itself, lets nothing through. */
  | { readonly verdict: 'refused'; readonly authority: Authority }
  | { readonly verdict: 'unavailable' };

/** An account above takes back what is not used, and says how things stand with it now. By the grant it has issued. */
export type Recall = {
  readonly of: AccountId;
  readonly branches: Readonly<
    Record<
      Hex,
      { readonly revision: number; readonly status: Authority['status']; readonly shares: Shares }
    >
  >;
};

/** The answer to a recall, and what an idle account sends by itself: its books by branch, everything unused given back. */
export type Returned =
  | { readonly verdict: 'returned'; readonly branches: Readonly<Record<Hex, Shares>> }
  | { readonly verdict: 'unavailable' };
