import type { CreditLine } from '../audit/credit-movement.ts';
import type { Day } from '../audit/day.ts';

/** A line of the ledger totals. Only `revenue` and `credit_liability` can be negative. */
export type LedgerLine =
  /** Charges of ended calls, less what operators gave back later. */
  | 'revenue'
  /** Payments that the chain moved, by the day on which the gateway recorded it. */
  | 'settled'
  /**
   * Accepted payments that no backend presented in time: the gateway's loss. A payment that settles later moves to `settled`, on that day.
   */
  | 'write_off'
  /** Payments that failed because of their payer. */
  | 'debt'
  /** Released payments: their calls cost nothing. */
  | 'released'
  /** Fees of facilitators, for transactions that are not the relayer's. */
  | 'fees'
  /** Gas of the relayer's transactions, in wei of the chain's coin. */
  | 'gas'
  | `credit_${Exclude<CreditLine, 'debt'>}`
  /** Calls paid from credit. */
  | 'credit_spent'
  /** Credit of all accounts at the end of the day, less debts. */
  | 'credit_liability';

export type LedgerItem = {
  readonly day: Day;
  /** CAIP-19; for gas the chain's own coin (`slip44:60`). Amounts of two assets are never added. */
  readonly asset: string;
  readonly line: LedgerLine;
  readonly tool?: string;
  readonly payee?: string;
  /** Number of calls, payments, transactions or movements; absent for lines without a count. */
  readonly count?: bigint;
  readonly amount: bigint;
};
