import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';
import type { LimitState } from '../limit.ts';

/** The name of a policy rule in a denial. Each file of `src/policy/rules` declares its own. */
export type PolicyRule = Lowercase<string>;

/** The name of a denial by the account itself, after every policy rule has passed. */
export type AccountRule =
  | 'balance'
  | 'debt'
  /** A payment of the account could not be presented because of its payer, and is still open. */
  | 'suspended'
  | 'credit'
  | 'nonce_used'
  | 'penniless'
  /** The call names no grant that this account holds, or one that it cannot use. */
  | 'authority'
  /** An ancestor did not answer, so its remaining limits are unknown. */
  | 'unreachable'
  /** Too many denied calls and dry runs, or too many failed calls whose payments could still move (`call/pace.ts`). */
  | 'denial_rate'
  | 'failure_rate';

export type DenialRule = AccountRule | PolicyRule;

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
