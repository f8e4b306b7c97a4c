import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId, AssetId } from '../account-id.ts';
import type { PaymentState } from '../payment.ts';
import type { Binding, PayerFacts } from './call.ts';
import type { CallState } from './finish.ts';
import type { StoredAnswer } from './reserve.ts';

/** A question about one call by its payer: reads, never writes (design §4.6). */
export type LookUp = {
  readonly account: AccountId;
  readonly call: Hex;
  /** What the chain said just now, when the account has asked for it. */
  readonly facts?: PayerFacts;
  /** The question's signature was checked by the account's own contract (ERC-1271) at this block. */
  readonly contractCheckedAt?: number;
};

/** What is known of a call. Amounts in atomic units. */
export type CallStatus = {
  readonly call: Hex;
  readonly tool: string;
  /** `requestDigest` of the request it was first used for. */
  readonly request: Hex;
  readonly binding: Binding;
  /** The audience that `request` was digested with. */
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
  /** Never seen, or forgotten. */
  | { readonly verdict: 'unknown_call' }
  /** The account must be asked for its code first (design §4.7). */
  | { readonly verdict: 'stale_payer' }
  /** The account has code, and its key's signature does not count. */
  | { readonly verdict: 'contract_only' }
  | { readonly verdict: 'unavailable' };
