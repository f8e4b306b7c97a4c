import type { Param } from '../protocol/account/call.ts';
import type { Status } from '../protocol/account/status.ts';
import type { AccountId, AssetId } from '../protocol/account-id.ts';
import type { Address, Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';

/**
 * What an account may do (design §5): one document, written by an operator or an owner, or compiled from a delegation. Amounts are
 * atomic units of the asset that a call pays in. A field that is not there sets no limit of its kind; an empty list allows nothing.
 */
export type Policy = {
  /** Tool ids: exact, `prefix.*` for everything below a prefix, `*` for all. */
  readonly tools?: readonly string[];
  /** Receivers of money; `ANY_PAYEE` for all. */
  readonly payees?: readonly Address[];
  readonly assets?: readonly AssetId[];
  /** The most one call may cost. */
  readonly perCall?: bigint;
  /** Spend per fixed window, the account's own and that of everybody below it. */
  readonly windows: readonly Window[];
  /** Spend ever, per asset, the account's own and that of everybody below it. */
  readonly lifetime?: bigint;
  /** Accepted but unsettled money of the account itself, at most. */
  readonly exposure?: bigint;
  /** Calls of the account itself, as GCRA: steady, with a burst of `limit`. */
  readonly rate?: Rate;
  /** The same tool with the same request more than `times` in `seconds` is a loop, and refused. */
  readonly repeat?: Repeat;
  /** Percent of a money limit at which an alert is raised; 80 where nothing is said. */
  readonly softPercent?: number;
  /** How long a proof may still be good when it is sent. */
  readonly maxValidity?: Seconds;
  /** How strongly a proof must be tied to its request, at least. */
  readonly binding?: 'none' | 'intent';
  /** From when, and until when (exclusive), the policy allows anything. */
  readonly validFrom?: Seconds;
  readonly validUntil?: Seconds;
  /** A call that one of these describes is refused. */
  readonly deny: readonly Rule[];
  /** A call that one of these is about must be as it says. */
  readonly require: readonly Rule[];
};

export type Rate = { readonly limit: number; readonly seconds: Seconds };
export type Repeat = { readonly times: number; readonly seconds: Seconds };

/** A fixed window in UTC: a calendar one, or `seconds` counted from the Unix epoch. */
export type Window = {
  readonly every: 'hour' | 'day' | 'month' | Seconds;
  readonly limit: bigint;
  /** Only spend in this asset; otherwise each asset is counted by itself. */
  readonly asset?: AssetId;
};

/**
 * A rule on a declared parameter of a tool. No regular expressions: it runs inside the deciding transaction (law 2), where a pattern
 * that backtracks would stop the account.
 */
export type Rule = {
  /** The tools it is about, as in `Policy.tools`; all where none are named. */
  readonly tools?: readonly string[];
  /** Absent only in `deny`: then the tools themselves are refused. */
  readonly param?: string;
  readonly op?: Operator;
  /** At most 256 bytes each; a list for `in` and `hostIn`. */
  readonly value?: string | readonly string[];
};

export type Operator =
  | 'eq'
  | 'ne'
  | 'in'
  | 'lt'
  | 'lte'
  | 'gt'
  | 'gte'
  | 'startsWith'
  | 'endsWith'
  | 'hostIn';

/** Payee that stands for every payee, said on purpose (design §4.5). */
export const ANY_PAYEE: Address = `0x${'ff'.repeat(20)}`;

/** Where a limit comes from: whose account it is of, and who wrote it. `hash`: of the policy, or of the delegation. */
export type Origin = {
  readonly kind: 'default' | 'operator' | 'owner' | 'grant' | 'lease';
  readonly account: AccountId;
  readonly hash: Hex;
};

/** What was spent under one money limit so far. Atomic units. */
export type Meter = {
  readonly rule: 'window' | 'lifetime';
  /** `day`, `3600s`, `lifetime`: as shown to people. */
  readonly name: string;
  readonly limit: bigint;
  readonly spent: bigint;
  readonly held: bigint;
  /** Parts of `held` that are lent to accounts below: what they do not use, and what their running calls hold. */
  readonly lent?: { readonly unused: bigint; readonly held: bigint };
  readonly resetsAt?: Seconds;
  readonly window?: Seconds;
};

/** The newest calls of one request, for `Policy.repeat`: how often since `since`. */
export type Repeats = Readonly<Record<string, { readonly since: Seconds; readonly count: number }>>;

/** One policy that a call must satisfy, with what it has counted so far. A call is held against all of its sources. */
export type Source = {
  /** Names its counters: `base`, `owner`, the hash of a grant, or an ancestor's. */
  readonly key: string;
  readonly origin: Origin;
  readonly status: Status;
  readonly policy: Policy;
  readonly meters: readonly Meter[];
  /** GCRA arrival time, milliseconds; absent where the rate is not this account's to count. */
  readonly arrival?: number;
  /** Absent where repeats are not this account's to count. */
  readonly repeats?: Repeats;
};

/** A call, as policies look at it. */
export type Subject = {
  readonly tool: string;
  readonly payTo: Address;
  readonly asset: AssetId;
  /** Atomic units; 0 for what costs nothing. */
  readonly price: bigint;
  /** Money that is only moved to credit: it is counted when it is spent, so only status, validity and rate look at it. */
  readonly topUp: boolean;
  readonly binding: 'none' | 'intent';
  readonly validBefore: Seconds;
  /** Digest of the request, for `repeat`. */
  readonly request: Hex;
  readonly params: Readonly<Record<string, Param>>;
};
