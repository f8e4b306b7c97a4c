import type { Hex } from '../../core/hex.ts';
import type { LimitState } from '../limit.ts';
import type { PaymentState } from '../payment.ts';
import type { StoredAnswer } from './reserve.ts';

/** `held` → `committed` | `released` | `abandoned`. */
export type CallState = 'held' | 'committed' | 'released' | 'abandoned';

/** How a dispatched call ended. */
export type Outcome = {
  readonly success: boolean;
  /** HTTP status the upstream answered, 0 when it did not. */
  readonly status: number;
  /** SHA-256 of the body, or `streamed` for answers finished at their headers. */
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
   * What a tool of variable price charges for this call, atomic units: at most the reserved price, and counted only where credit
   * pays, because an EIP-3009 value is exact (design §2.4 of x402 facts). Absent: the reserved price.
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
      /** True when the amount stays reserved until somebody resolves it (law 4). */
      readonly kept?: boolean;
      readonly transaction?: Hex;
      readonly entry: Hex;
      readonly policy: Hex;
      readonly limits: readonly LimitState[];
    }
  /** The hold had ended before: recorded, charges nothing. */
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
