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

/**
 * What a Permit2 permit of the x402 scheme `upto` has beyond an `Authorization`, in which `to` and `validAfter` are those of the witness,
 * `value` is the permitted amount, `validBefore` the deadline, and `nonce` the unordered nonce in 32 bytes. JSON.
 */
export type Permit = {
  /** `witness.facilitator`: the only account whose transaction can move the money. */
  readonly facilitator: Address;
  /** Approves Permit2 for the permitted amount, so that a payer without allowance needs no gas. */
  readonly approval?: Approval;
};

/** An EIP-2612 `permit` of the token: approves Permit2 for the amount of the Permit2 permit. Integers are uint256 as decimal strings. */
export type Approval = {
  /** `nonces(payer)` of the token, as signed. */
  readonly nonce: string;
  /** Unix seconds. */
  readonly deadline: string;
  /** 65 bytes. */
  readonly signature: Hex;
};

/** A token that payments use. Its EIP-712 domain comes from the gateway's table, never from the client. */
export type Token = {
  readonly network: Network;
  readonly address: Address;
  readonly name: string;
  readonly version: string;
};

/** A verified payment: everything that a backend needs to present it, and nothing of the request that it pays for. */
export type Payment = {
  readonly token: Token;
  readonly authorization: Authorization;
  /** The token signature, as sent. Erased when the payment ends. */
  readonly signature: Hex;
  readonly maxTimeoutSeconds: Seconds;
  /** Set if `authorization` and `signature` are those of a Permit2 permit (`upto`) instead of EIP-3009. */
  readonly permit?: Permit;
  /** The part of a permit's value that is charged, atomic units; absent: all of it. EIP-3009 moves exactly the value. */
  readonly charge?: bigint;
};

/**
 * The state of a call's payment. `none`: the call has no payment of its own (free, or paid from credit). `held`: reserved, and not to be
 * presented yet. `queued`: the tool succeeded, and the outbox passes the payment to the Queue. `sent`: presented at least once; the chain
 * decides what happened. The last three are final, except that a `released` payment becomes `settled` if it is settled after all; then the
 * money becomes credit.
 */
export type PaymentState = 'none' | 'held' | 'queued' | 'sent' | 'settled' | 'failed' | 'released';

/** The result of one payment. The queue consumer, the request or the relayer reports it to the account. */
export type SettlementResult = { readonly call: Hex } & SettlementOutcome;

/**
 * Why an owed payment cannot be presented, as our own node shows. `unfunded`: the payer holds less than it signed. `code`: the payer's address
 * has code that does not accept the signature. `refused`: the token moves nothing from the payer, e.g. because it is blacklisted.
 */
export type BounceReason = 'unfunded' | 'code' | 'refused';

export type SettlementOutcome =
  | { readonly outcome: 'sent'; readonly backend: string }
  | { readonly outcome: 'settled'; readonly transaction: Hex; readonly block: number }
  | {
      readonly outcome: 'failed';
      /** `payer`: becomes a debt. `gateway`: written off. */
      readonly fault: 'payer' | 'gateway';
      readonly reason: 'spent_otherwise' | 'cancelled' | 'unfunded' | 'not_presented';
      readonly transaction?: Hex;
    }
  /** Unused, still valid, and not presentable now. Not final: the payer may fix that. `backend`: the backend that it was presented to. */
  | { readonly outcome: 'bounced'; readonly reason: BounceReason; readonly backend?: string }
  /** The nonce is unused after validBefore: the money can never move. */
  | { readonly outcome: 'released' };

/** An outcome that the chain has decided. */
export type FinalOutcome = Exclude<SettlementOutcome, { readonly outcome: 'sent' | 'bounced' }>;

/** A message of the settlement queue: one payment, or several of an account. */
export type SettlementBody = SettlementMessage | readonly SettlementMessage[];

/** A payment in a message of the settlement queue. JSON; amounts and times of the authorization as decimal strings. */
export type SettlementMessage = {
  readonly v: 1;
  /** `settle`: present the payment, then observe. `look`: only observe, e.g. after a release or a crash of an upfront call. */
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
  /** Only with `settle`. */
  readonly signature?: Hex;
  readonly maxTimeoutSeconds: Seconds;
  readonly permit?: Permit;
  readonly charge?: string;
  /** The newest block known when the call was accepted: an older settlement is not this payment's. */
  readonly sinceBlock: number;
  readonly acceptedAt: Seconds;
  /** How often earlier messages have delivered the payment; absent: never. */
  readonly deliveries?: number;
};
