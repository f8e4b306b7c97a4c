import type { Network } from './account-id.ts';
import type { Address, Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';

/** EIP-3009 `TransferWithAuthorization`, as signed. Times are Unix seconds, `value` atomic units. */
export type Authorization = {
  readonly from: Address;
  readonly to: Address;
  readonly value: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly nonce: Hex;
};

/** A token that can be paid with: its EIP-712 domain comes from our table, never from the client (standards facts 2.3). */
export type Token = {
  readonly network: Network;
  readonly address: Address;
  readonly name: string;
  readonly version: string;
};

/** A verified payment: everything a backend needs to present it, and nothing of the request it pays for. */
export type Payment = {
  readonly token: Token;
  readonly authorization: Authorization;
  /** The token signature, as sent. Erased when the payment ends `released` or `settled`. */
  readonly signature: Hex;
  readonly maxTimeoutSeconds: Seconds;
};

/**
 * Where the money of a call stands (design §6). `none` is a call without a payment of its own (free, or from credit).
 * `held`: reserved, nothing may present it yet. `queued`: the tool succeeded, the outbox hands it to the Queue.
 * `sent`: presented at least once; what happened is what the chain says. The last three are final, except that
 * `released` may turn `settled` if somebody settles it all the same, and then becomes credit.
 */
export type PaymentState = 'none' | 'held' | 'queued' | 'sent' | 'settled' | 'failed' | 'released';

/** What the chain said of one payment; sent to the account by whoever looked (queue consumer or request). */
export type SettlementResult = { readonly call: Hex } & SettlementOutcome;

/**
 * Why a payment that is owed cannot be presented, as our own node says. `unfunded`: the payer holds less than it signed. `code`: code has
 * come to its address, and does not stand by the signature. `refused`: the token moves nothing from it, e.g. a blacklisted payer.
 */
export type BounceReason = 'unfunded' | 'code' | 'refused';

export type SettlementOutcome =
  | { readonly outcome: 'sent'; readonly backend: string }
  | { readonly outcome: 'settled'; readonly transaction: Hex; readonly block: number }
  | {
      readonly outcome: 'failed';
      /** `payer`: becomes a debt. `gateway`: written off (design §6). */
      readonly fault: 'payer' | 'gateway';
      readonly reason: 'spent_otherwise' | 'cancelled' | 'unfunded' | 'not_presented';
      readonly transaction?: Hex;
    }
  /** It is unused, still valid, and cannot be presented now. Not an end: the payer may mend that. `backend`: who was shown it. */
  | { readonly outcome: 'bounced'; readonly reason: BounceReason; readonly backend?: string }
  /** The nonce is unused after validBefore: the money can never move. */
  | { readonly outcome: 'released' };

/** What the chain has decided. */
export type FinalOutcome = Exclude<SettlementOutcome, { readonly outcome: 'sent' | 'bounced' }>;

/** A message of the settlement queue. JSON; amounts and times of the authorization as decimal strings. */
export type SettlementMessage = {
  readonly v: 1;
  /** `settle`: present it, then look. `look`: only look, e.g. after a release or a crash of an upfront call. */
  readonly kind: 'settle' | 'look';
  readonly account: string;
  readonly call: Hex;
  readonly token: Token;
  readonly authorization: {
    readonly from: Address;
    readonly to: Address;
    readonly value: string;
    readonly validAfter: string;
    readonly validBefore: string;
    readonly nonce: Hex;
  };
  /** Present for `settle` only. */
  readonly signature?: Hex;
  readonly maxTimeoutSeconds: Seconds;
  /** The newest block known when the call was accepted: an older settlement is not this payment's (design §6). */
  readonly sinceBlock: number;
  readonly acceptedAt: Seconds;
};
