import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';

/** Why an order of an operator or an owner changed nothing; none is about a field of its body. */
export type CommandFault =
  | { readonly reason: 'forbidden' }
  /** The intent has ordered something before, in another request. */
  | { readonly reason: 'already_used' }
  /** `current`: hash of what is there; absent where nothing is. */
  | { readonly reason: 'precondition_failed'; readonly current?: Hex }
  | { readonly reason: 'precondition_required'; readonly current: Hex }
  | { readonly reason: 'not_writable'; readonly hint: string }
  | { readonly reason: 'unknown_call' }
  | BudgetFault;

/** A command was refused because its account, or the top of its tree, gives too many. Nothing was written. */
export type BudgetFault = {
  readonly reason: 'too_many_commands';
  readonly rule: 'command_rate' | 'command_bytes';
  /** Whose limit it is. */
  readonly account: AccountId;
  /** Commands, or bytes of log, in `window` seconds. */
  readonly limit: number;
  readonly window: Seconds;
  readonly retryAfter: Seconds;
  readonly resetsAt: Seconds;
};

/** Why an order changed nothing. `field` as in the order's own document. */
export type FieldFault =
  | {
      readonly reason: 'grant_refused';
      readonly field: string;
      readonly expected: string;
      readonly got: string;
    }
  | { readonly reason: 'already_registered'; readonly field: string }
  | { readonly reason: 'grant_revoked'; readonly field: string }
  | { readonly reason: 'holds_leases'; readonly field: string }
  | { readonly reason: 'unknown_grant'; readonly field: string }
  | { readonly reason: 'penniless'; readonly field: string }
  | { readonly reason: 'malformed_policy'; readonly field: string; readonly hint: string };

/** `credit`: what could be taken, atomic units. */
export type CreditTooLow = { readonly reason: 'credit_too_low'; readonly credit: string };
