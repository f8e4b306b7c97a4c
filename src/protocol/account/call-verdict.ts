import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';
import type { PaymentState } from '../payment.ts';
import type { Binding } from '../tool-terms.ts';
import type { CallState, CallStatus, GrantProof, PaidFrom, StoredAnswer } from './call.ts';
import type { Denial, LimitState } from './denial.ts';

export type ReserveVerdict =
  /** Run the tool now. Returned once per call, and again only to the same attempt. */
  | ({ readonly verdict: 'go' } & Accepted)
  /** Settle the payment first, then reserve again with `evidence.settlement`. The search for its log starts at `sinceBlock`. */
  | ({ readonly verdict: 'settle'; readonly sinceBlock: number } & Accepted)
  /** This call has ended; its stored answer, for a caller that presented the call's secret. */
  | {
      readonly verdict: 'stored';
      readonly answer: StoredAnswer;
      readonly charged: bigint;
      readonly paidFrom: PaidFrom;
      readonly payment: PaymentState;
      readonly transaction?: Hex;
      /** The binding of the accepted call, which may differ from this repeat's. */
      readonly binding: Binding;
      readonly entry: Hex;
      readonly policy: Hex;
      /** The reserved amount, atomic units. */
      readonly price: bigint;
      readonly call?: Hex;
    }
  /** `call`, in each verdict: the call that the payment-identifier names, if it is not the proof's own call. */
  | { readonly verdict: 'in_progress'; readonly retryAfter: Seconds; readonly call?: Hex }
  /** The proof, or the payment-identifier, was first used for another request. */
  | { readonly verdict: 'conflict'; readonly call?: Hex }
  | { readonly verdict: 'already_used'; readonly call?: Hex }
  /** An expired proof of a call that never ran. */
  | { readonly verdict: 'expired' }
  /** The account needs fresher facts and wrote nothing: ask the chain once and reserve again. */
  | { readonly verdict: 'stale_payer' }
  /** The contracts that issued the call's grants must confirm their signatures again. The account wrote nothing. */
  | { readonly verdict: 'stale_grant'; readonly proofs: readonly GrantProof[] }
  /** The call names a grant that the account does not hold. Naming it is the holder's consent. The account wrote nothing. */
  | { readonly verdict: 'unknown_grant' }
  /** These accounts must be screened first: everything else allows the call. The account wrote nothing. */
  | { readonly verdict: 'unscreened'; readonly accounts: readonly AccountId[] }
  /** The decision that the call would get. `settle`: its payment would move before the tool runs. `park`: it would wait for a person. */
  | {
      readonly verdict: 'dry_run';
      readonly decision: 'go' | 'settle' | 'park';
      readonly policy: Hex;
      readonly paidFrom: PaidFrom;
      readonly limits: readonly LimitState[];
    }
  | { readonly verdict: 'denied'; readonly denial: Denial }
  /** The call waits for a person, or for its caller's repeat after the approval. */
  | ({ readonly verdict: 'parked' } & Parked)
  /** The call needs a settlement, of its own payment or of earlier ones, and none is possible now. Nothing was reserved. */
  | { readonly verdict: 'settlement_unavailable'; readonly retryAfter: Seconds }
  /** More calls wait for the account's decision than it takes at once. Nothing was decided. */
  | { readonly verdict: 'busy' }
  /** Storage failed. Nothing may run. */
  | { readonly verdict: 'unavailable' };

/** A parked call. Nothing has run and no payment has moved; the account holds the amount until `until`. */
export type Parked = {
  readonly until: Seconds;
  readonly state: 'waiting' | 'approved';
  /** The account whose policy requires an approval, and its threshold in atomic units. */
  readonly asked: AccountId;
  readonly above: bigint;
  readonly policy: Hex;
  readonly retryAfter: Seconds;
};

export type Accepted = {
  /** Hash of the `call.accepted` entry. */
  readonly entry: Hex;
  readonly policy: Hex;
  readonly charged: bigint;
  readonly paidFrom: PaidFrom;
  /** The settlement of a payment that settled before the tool runs. */
  readonly transaction?: Hex;
  readonly limits: readonly LimitState[];
};

export type FinishVerdict =
  | {
      readonly verdict: 'finished';
      readonly state: CallState;
      readonly charged: bigint;
      readonly paidFrom: PaidFrom;
      readonly payment: PaymentState;
      /** The amount stays held until an operator resolves the call (law 4). */
      readonly kept?: boolean;
      readonly transaction?: Hex;
      readonly entry: Hex;
      readonly policy: Hex;
      readonly limits: readonly LimitState[];
    }
  /** The hold had expired: the account records the outcome and charges nothing. */
  | {
      readonly verdict: 'late';
      readonly state: CallState;
      readonly payment: PaymentState;
      readonly charged: bigint;
      readonly kept?: boolean;
      readonly entry: Hex;
    }
  | { readonly verdict: 'unknown_call' }
  | { readonly verdict: 'unavailable' };

export type LookUpVerdict =
  | { readonly verdict: 'found'; readonly status: CallStatus }
  /** Never seen, or pruned. */
  | { readonly verdict: 'unknown_call' }
  | { readonly verdict: 'unavailable' };
