import type { CreditLine } from '../audit/credit-movement.ts';
import type { Day } from '../audit/day.ts';

/** What a line of the books counts. Amounts are never below zero, except for `revenue` and `credit_liability`. */
export type BookLine =
  /** What ended calls were charged, less what operators gave back later. */
  | 'revenue'
  /** What the chain has moved, on the day the gateway knew it. */
  | 'settled'
  /** Accepted payments that nobody presented in time: our loss. As of now: one that settles after all is `settled`, on that day. */
  | 'write_off'
  /** Payments that their payers made impossible. */
  | 'debt'
  /** Payments that were given back: their calls cost nothing. */
  | 'released'
  /** What facilitators take for the transactions that are not ours. */
  | 'fees'
  /** What our own transactions cost, in wei of the chain's coin. */
  | 'gas'
  | `credit_${Exclude<CreditLine, 'debt'>}`
  /** What calls paid from credit. */
  | 'credit_spent'
  /** What is owed to all accounts when the day ends, debts taken off. */
  | 'credit_liability';

export type BookItem = {
  readonly day: Day;
  /** CAIP-19, or the chain's own coin (`slip44:60`). Sums of two assets are never added. */
  readonly asset: string;
  readonly line: BookLine;
  readonly tool?: string;
  readonly payee?: string;
  /** How many calls, payments, transactions or movements; missing where nobody counts them. */
  readonly count?: bigint;
  readonly amount: bigint;
};
