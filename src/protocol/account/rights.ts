import type { AccountId, AssetId } from '../account-id.ts';
import type { Hex } from '../../core/hex.ts';
import type { Denial, LimitState } from './denial.ts';

/** The question which tools a call of an account may name now, and what remains of its limits. Like `LookUp`, it only reads. */
export type RightsQuestion = {
  readonly account: AccountId;
  /** Limits count amounts of one asset. */
  readonly asset: AssetId;
  /** As for a call: grants for another origin of the gateway do not count. */
  readonly audience: string;
  /** The grant that the intent names; absent: the default grant. */
  readonly authority?: Hex;
};

export type RightsVerdict =
  | { readonly verdict: 'found'; readonly rights: Rights }
  | { readonly verdict: 'unavailable' };

/** The rights of an account now. Amounts are decimal strings of atomic units. */
export type Rights = {
  readonly account: AccountId;
  readonly asset: AssetId;
  /** The policies that bind a call: the account's own, its grant's and those of all ancestors. Absent `tools`: no limit on tools. */
  readonly policies: readonly { readonly tools?: readonly string[] }[];
  /** Why the account denies every call now, whichever tool it names. */
  readonly stopped?: Pick<Denial, 'rule' | 'account' | 'retryAfter'>;
  /** The least amount that a policy allows one call to cost; absent without such a limit. */
  readonly perCall?: string;
  /** The limits that the account itself counts. An ancestor's limit may have less left; the call itself asks for it. */
  readonly limits: readonly LimitState[];
  /** The account's own credit that is free to spend. */
  readonly credit: string;
  readonly debt: string;
};
