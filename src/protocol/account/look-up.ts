import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId, AssetId } from '../account-id.ts';
import type { PaymentState } from '../payment.ts';
import type { Binding, PayerFacts } from './call.ts';
import type { CallState } from './finish.ts';
import type { StoredAnswer } from './reserve.ts';

/** A payer's question about one of its calls. It reads, never writes. */
export type LookUp = {
  readonly account: AccountId;
  readonly call: Hex;
  /** Fresh chain facts, if the account requested them. */
  readonly facts?: PayerFacts;
  /** The block at which the account's own contract accepted the question's signature (ERC-1271). */
  readonly contractCheckedAt?: number;
};

/** The state of a call. Amounts in atomic units. */
export type CallStatus = {
  readonly call: Hex;
  readonly tool: string;
  /** `requestDigest` of the call's first request. */
  readonly request: Hex;
  readonly binding: Binding;
  /** The audience in the digest `request`. */
  readonly audience?: string;
  readonly state: CallState;
  readonly asset: AssetId;
  readonly price: bigint;
  readonly charged: bigint;
  readonly paidFrom: 'payment' | 'credit' | 'none';
  readonly payment: PaymentState;
  readonly transaction?: Hex;
  readonly acceptedAt: Seconds;
  readonly entry: Hex;
  readonly policy: Hex;
  readonly answer?: StoredAnswer;
};

export type LookUpVerdict =
  | { readonly verdict: 'found'; readonly status: CallStatus }
  /** Never seen, or pruned. */
  | { readonly verdict: 'unknown_call' }
  /** The account needs chain facts first: whether it has code. */
  | { readonly verdict: 'stale_payer' }
  /** The account has code, so the signature of its key does not count (ERC-1271). */
  | { readonly verdict: 'contract_only' }
  | { readonly verdict: 'unavailable' };
