import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId, AssetId } from '../account-id.ts';
import type { Status } from './command.ts';
import type { LimitState } from './denial.ts';

/** A child's share of one counter of its parent: totals that only grow, except `held`. Atomic units. */
export type Share = {
  /** Start of the counter's period: a share is valid for that period only. */
  readonly start: Seconds;
  /** Granted to the child in total, and returned by it in total. */
  readonly granted: bigint;
  readonly returned: bigint;
  /** Spent by the child, and held by its running calls. */
  readonly spent: bigint;
  readonly held: bigint;
};

/** Shares by the name of the parent's counter, e.g. `day`, `lifetime`, `<grant>/lifetime`, `credit`. */
export type Shares = Readonly<Record<string, Share>>;

/** A policy of an ancestor, which binds all its descendants. */
export type AncestorPolicy = {
  readonly kind: 'operator' | 'owner';
  readonly hash: Hex;
  /** Only for an owner's policy: the account that wrote it, on which depends who may approve calls. */
  readonly writer?: AccountId;
  /** The form of `policyJson`. */
  readonly document: unknown;
};

/** An ancestor's permission to use one of its grants. The holder ignores a lower revision than it knows. */
export type Authority = {
  readonly revision: number;
  readonly status: Status | 'expired' | 'unknown';
  /** Absent if the child already knows them by `policiesHash`. */
  readonly policies?: readonly AncestorPolicy[];
  readonly policiesHash: Hex;
};

/** Asks an ancestor for shares of its limits and for its permission to use a grant. */
export type LeaseRequest = {
  readonly child: AccountId;
  /** The grant that the ancestor issued for this branch of its tree. */
  readonly issued: Hex;
  readonly asset: AssetId;
  /** The unused amount that the child needs in every counter, and the amount that it would like. */
  readonly need: bigint;
  readonly want: bigint;
  /** Like `need`, for the ancestor's credit; absent if the child pays in another way. */
  readonly credit?: bigint;
  readonly creditWant?: bigint;
  /** The child's shares under this grant. */
  readonly shares: Shares;
  readonly knows?: Hex;
  /** Only return what the ancestor would grant. */
  readonly dryRun?: boolean;
};

export type LeaseVerdict =
  /** Valid for `LEASE_SECONDS` from the time of the request. */
  | { readonly verdict: 'leased'; readonly authority: Authority; readonly shares: Shares }
  /** The grant is active, but too little of this limit remains; nothing is granted. */
  | {
      readonly verdict: 'short';
      readonly authority: Authority;
      readonly shares: Shares;
      readonly rule: 'window' | 'lifetime' | 'credit';
      readonly limit: LimitState;
      /** What descendants may yet return, beyond the limit's `remaining`. Atomic units. */
      readonly returnable: bigint;
    }
  /** The grant, or the ancestor itself, allows nothing. */
  | { readonly verdict: 'refused'; readonly authority: Authority }
  | { readonly verdict: 'unavailable' };

/** An ancestor takes back unused shares and sends its current revision and status, by issued grant. */
export type Recall = {
  readonly of: AccountId;
  readonly branches: Readonly<
    Record<
      Hex,
      { readonly revision: number; readonly status: Authority['status']; readonly shares: Shares }
    >
  >;
};

/** The answer to a recall, and the message of an idle account: its shares by branch, all unused amounts returned. */
export type Returned =
  | { readonly verdict: 'returned'; readonly branches: Readonly<Record<Hex, Shares>> }
  | { readonly verdict: 'unavailable' };
