import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';
import type { LimitState } from '../limit.ts';
import type { PaymentState } from '../payment.ts';
import type { Binding, GrantProof } from './call.ts';
import type { Denial } from './denial.ts';

/** An answer kept for repeats: at most 64 KiB of body, base64. */
export type StoredAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type Accepted = {
  /** Hash of the `call.accepted` entry. */
  readonly entry: Hex;
  readonly policy: Hex;
  readonly charged: bigint;
  readonly paidFrom: 'payment' | 'credit' | 'none';
  readonly limits: readonly LimitState[];
  /** Of a top-up: whose credit its money becomes. An object of a release that knows no top-ups does not say so. */
  readonly creditTo?: AccountId;
};

export type ReserveVerdict =
  /** Run the tool now. Given once per call, and again only to the same attempt. */
  | ({ readonly verdict: 'go' } & Accepted)
  /** Settle the payment first, then reserve again with `evidence.settlement`. `sinceBlock` bounds the search for its log. */
  | ({ readonly verdict: 'settle'; readonly sinceBlock: number } & Accepted)
  /** This call has ended; its answer again, to a holder of its secret only. */
  | {
      readonly verdict: 'stored';
      readonly answer: StoredAnswer;
      readonly charged: bigint;
      readonly paidFrom: 'payment' | 'credit' | 'none';
      readonly payment: PaymentState;
      readonly transaction?: Hex;
      /** How the call was bound when it was accepted, whatever this repeat shows. */
      readonly binding?: Binding;
      readonly entry: Hex;
      readonly policy: Hex;
      /** Atomic units that were reserved for it. */
      readonly price?: bigint;
      readonly call?: Hex;
    }
  /** `call`, here and above: the call that this is about, where a payment-identifier led to another one than the proof's. */
  | { readonly verdict: 'in_progress'; readonly retryAfter: Seconds; readonly call?: Hex }
  /** The same proof, or payment-identifier, was first used for another request. */
  | { readonly verdict: 'conflict'; readonly call?: Hex }
  | { readonly verdict: 'already_used'; readonly call?: Hex }
  /** An expired proof that never ran: it may look up, never execute. */
  | { readonly verdict: 'expired' }
  /** Fresher facts are needed; nothing was written. Ask the chain once and reserve again. */
  | { readonly verdict: 'stale_payer' }
  /** Contract issuers of the call's grants must be asked again; nothing was written. */
  | { readonly verdict: 'stale_grant'; readonly proofs: readonly GrantProof[] }
  /** The call names a grant that the account has not taken: by naming it, its holder consents. Nothing was written. */
  | { readonly verdict: 'unknown_grant' }
  /** What would have happened: nothing has. `settle`: the payment would move before the tool runs. */
  | {
      readonly verdict: 'dry_run';
      readonly decision: 'go' | 'settle';
      readonly policy: Hex;
      readonly paidFrom: 'payment' | 'credit' | 'none';
      readonly limits: readonly LimitState[];
    }
  | { readonly verdict: 'denied'; readonly denial: Denial }
  /** Its payment would have to be settled before the tool runs, or others of the account's first, and none is. Nothing was claimed. */
  | { readonly verdict: 'settlement_unavailable'; readonly retryAfter: Seconds }
  /** Storage failed: nothing is known to be written, nothing may run. */
  | { readonly verdict: 'unavailable' };
