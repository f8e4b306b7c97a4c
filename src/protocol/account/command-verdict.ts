import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId, AssetId } from '../account-id.ts';
import type { BudgetFault } from './command-budget.ts';
import type { SignedGrant } from './grant.ts';

/** An account's verdict on a command. */
export type CommandVerdict =
  | {
      readonly verdict: 'applied';
      /** False if the command had no effect. */
      readonly changed: boolean;
      readonly revision: number;
      /** Holders of live leases that acknowledged, and those that did not answer, which stop when their lease expires. */
      readonly acknowledged: readonly AccountId[];
      readonly silent: readonly AccountId[];
      /** For `issue` and `accept`: the parent grants of this one, nearest first. */
      readonly chain?: readonly SignedGrant[];
      /** For `accept`: the registered grant. */
      readonly grant?: SignedGrant;
      /** Hash (ETag) of the document after the change; absent if it was removed. */
      readonly current?: Hex;
      /** For a document that was put or removed: the position of its entry, which orders writes to the gateway's tables. */
      readonly entry?: { readonly seq: number; readonly at: Seconds };
      /** For a policy: the running calls of the account, and how many of them it would have denied. They may end (law 4). */
      readonly inFlight?: { readonly held: number; readonly cutOff: number };
      /** For a credit command: the account's credit in this asset afterwards, atomic units; negative is a debt. */
      readonly credit?: bigint;
      readonly refund?: CallRefund;
    }
  | { readonly verdict: 'refused'; readonly fault: CommandFieldFault | CommandFault | CreditTooLow }
  | { readonly verdict: 'unavailable' };

/** A refund of a call. Amounts are decimal strings of atomic units: `refunded` is all of its refunds so far, `to` the credited payer. */
export type CallRefund = Readonly<Record<'amount' | 'refunded' | 'charged', string>> & {
  readonly asset: AssetId;
  readonly to: AccountId;
};

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

/** Why a command had no effect. `field`: of the command's own document. */
export type CommandFieldFault =
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
