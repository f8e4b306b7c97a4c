import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';

export type Denial = {
  readonly rule: DenialRule;
  /** The account of the rule: the caller's own, or an ancestor. */
  readonly account: AccountId;
  readonly limit?: LimitState;
  /** The declared parameter of the condition that denies. */
  readonly param?: string;
  /** The grant that denies. */
  readonly grant?: Hex;
  /** The grant that the call used; absent for a call without a grant. */
  readonly authority?: Hex;
  readonly retryAllowed: boolean;
  readonly retryAfter?: Seconds;
  readonly policy: Hex;
  /** The policies that bound the call, if there are several: `policy` is the hash of this list. */
  readonly policies?: readonly {
    readonly kind: string;
    readonly account: AccountId;
    readonly hash: Hex;
  }[];
};

export type DenialRule = AccountRule | PolicyRule;

/** The name of a denial by the account itself, after every policy rule has passed. */
export type AccountRule =
  | 'balance'
  /** Permit2 may not transfer enough of the payer's balance. */
  | 'allowance'
  | 'debt'
  /** A payment of the account could not be presented because of its payer, and is still open. */
  | 'suspended'
  | 'credit'
  | 'nonce_used'
  | 'penniless'
  /** The call names a grant that this account does not hold, or its grant does not apply to the called audience. */
  | 'authority'
  /** An ancestor did not answer, so its remaining limits are unknown. */
  | 'unreachable'
  /** The last screening of the account, or of the ancestor whose credit would pay, forbids its calls (docs/screening.md). */
  | 'screening'
  /** Too many denied calls and dry runs, or too many failed calls whose payments could still move (`durable-objects/account/call/account-rates.ts`). */
  | 'denial_rate'
  | 'failure_rate';

/** The name of a policy rule in a denial. Each file of `src/policy/rules` declares its own. */
export type PolicyRule = Lowercase<string>;

/** The state of a limit at a decision. Amounts are decimal strings of atomic units, times Unix seconds. */
export type LimitState = {
  readonly rule: string;
  readonly limit: string;
  readonly spent: string;
  readonly held: string;
  readonly remaining: string;
  readonly resetsAt?: Seconds;
  readonly window?: Seconds;
  /** The account that set the limit; absent for a limit of the caller itself. */
  readonly account?: AccountId;
};

/** The wire form of a limit. */
export const limitBody = ({ resetsAt, ...limit }: LimitState) => ({
  ...limit,
  ...(resetsAt === undefined ? {} : { resets_at: resetsAt }),
});
