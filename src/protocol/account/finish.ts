import type { Hex } from '../../core/hex.ts';
import type { LimitState } from '../limit.ts';
import type { PaymentState } from '../payment.ts';
import type { StoredAnswer } from './reserve.ts';

/** `held` → `committed` | `released` | `abandoned`. */
export type CallState = 'held' | 'committed' | 'released' | 'abandoned';

/** How a dispatched call ended. */
export type Outcome = {
  readonly success: boolean;
  /** HTTP status of the upstream; 0 without an answer. */
  readonly status: number;
  /** SHA-256 of the body; `streamed` for an answer that was finished at its headers. */
  readonly digest: Hex | 'streamed' | 'none';
  readonly reason:
    | 'answered'
    | 'upstream_status'
    | 'timeout'
    | 'dropped'
    | 'truncated'
    | 'redirect'
    | 'refused';
  readonly answer?: StoredAnswer;
  /**
   * The charge of a tool of variable price, atomic units: at most the reserved price. Counts only if credit pays, because EIP-3009
   * transfers exactly the signed value. Absent: the reserved price.
   */
  readonly amount?: bigint;
};

export type FinishVerdict =
  | {
      readonly verdict: 'finished';
      readonly state: CallState;
      readonly charged: bigint;
      readonly paidFrom: 'payment' | 'credit' | 'none';
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
