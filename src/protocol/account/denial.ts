import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';
import type { LimitState } from '../limit.ts';

/** The rule of a policy that refuses a call. */
export type PolicyRule =
  | 'frozen'
  | 'paused'
  | 'revoked'
  | 'expired'
  | 'not_yet'
  | 'deny'
  | 'tool'
  | 'payee'
  | 'asset'
  | 'require'
  | 'binding'
  | 'validity'
  | 'per_call'
  | 'window'
  | 'lifetime'
  | 'rate'
  | 'repeat';

export type DenialRule =
  | PolicyRule
  | 'exposure'
  | 'balance'
  | 'debt'
  /** A payment of the account could not be presented through its payer's doing, and is still open. */
  | 'suspended'
  | 'credit'
  | 'nonce_used'
  | 'penniless'
  /** The call names no grant that this account holds, or one for elsewhere. */
  | 'authority'
  /** An account above did not answer, so nobody knows what is left. */
  | 'unreachable'
  /** Too many denied calls and dry runs, or too many failed calls whose payments could still move (pace.ts). */
  | 'denial_rate'
  | 'failure_rate';

export type Denial = {
  readonly rule: DenialRule;
  /** Whose rule it is: the caller's own account, or one above it. */
  readonly account: AccountId;
  readonly limit?: LimitState;
  /** The declared parameter that a rule is about. */
  readonly param?: string;
  /** The grant that refuses. */
  readonly grant?: Hex;
  /** The grant of this account that the call stood on; absent for an account that stands for itself. */
  readonly authority?: Hex;
  readonly retryAllowed: boolean;
  readonly retryAfter?: Seconds;
  readonly policy: Hex;
};
