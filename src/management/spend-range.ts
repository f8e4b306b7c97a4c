import type { Day } from '../audit/day.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { SqlCondition } from './scan.ts';

export type SpendKey = 'tool' | 'payee' | 'day' | 'rule' | 'account';
export type SpendOrder = 'charged' | 'denied' | 'failed';

/** The spend under one key, or under two. Denials have no asset: `''`. */
export type SpendItem = {
  readonly key: string;
  /** Only for an account, if it has a label that a reader of the scope may see. */
  readonly label?: string;
  readonly and?: string;
  readonly asset: string;
  /** Ended calls. */
  readonly calls: bigint;
  /** Their charges, atomic units. A top-up charges nothing: the calls that use its credit do. */
  readonly charged: bigint;
  readonly denied: bigint;
  /** Calls that ended without success. */
  readonly failed: bigint;
  /** Earnings from payments and credit, only for all accounts together; else 0. */
  readonly earned: bigint;
};

export type SpendRange = {
  /** An account and its descendants at the time; `*`: all accounts. */
  readonly scope: AccountId | '*';
  /**
   * The ancestor of the scope that reads; absent if the scope itself or an operator does. It sees the spend of accounts while they were its
   * descendants.
   */
  readonly reader?: AccountId | undefined;
  /** First and last day, both included. */
  readonly from: Day;
  readonly to: Day;
  /** A report by rule has denials only. */
  readonly by: SpendKey;
  /** The second key. */
  readonly and?: Exclude<SpendKey, 'account'> | undefined;
  /** The account's own spend during its time in the scope. */
  readonly account?: AccountId | undefined;
  readonly asset?: string | undefined;
  readonly tool?: string | undefined;
  readonly payee?: string | undefined;
  readonly rule?: string | undefined;
};

/** A range whose rows must meet a further condition. */
export type NarrowRange = SpendRange & { readonly only?: SqlCondition | undefined };

/** The name of a report, for its cursors. */
export const listOf = ({ by, and }: SpendRange): string =>
  and === undefined ? `spend ${by}` : `spend ${by} ${and}`;

/** The columns that name a row of a report. */
export const keysOf = ({ and }: SpendRange): readonly string[] =>
  and === undefined ? ['key', 'asset'] : ['key', '"and"', 'asset'];
