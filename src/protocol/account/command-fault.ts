import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';

/** Why a command of an operator or an owner had no effect. None of these concerns a field of the body. */
export type CommandFault =
  | { readonly reason: 'forbidden' }
  /** Another request has used the same signed intent. */
  | { readonly reason: 'already_used' }
  /** `current`: hash of the stored document; absent if there is none. */
  | { readonly reason: 'precondition_failed'; readonly current?: Hex }
  | { readonly reason: 'precondition_required'; readonly current: Hex }
  | { readonly reason: 'not_writable'; readonly hint: string }
  | { readonly reason: 'unknown_call' }
  | BudgetFault;

/** A command exceeds the command budget of its account, or of the root of its tree. Nothing was written. */
export type BudgetFault = {
  readonly reason: 'too_many_commands';
  readonly rule: 'command_rate' | 'command_bytes';
  /** The account of the budget. */
  readonly account: AccountId;
  /** Commands, or bytes of log, in `window` seconds. */
  readonly limit: number;
  readonly window: Seconds;
  readonly retryAfter: Seconds;
  readonly resetsAt: Seconds;
};

/** Why a command had no effect. `field`: of the command's own document. */
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

/** `credit`: the amount that could be removed, atomic units. */
export type CreditTooLow = { readonly reason: 'credit_too_low'; readonly credit: string };
