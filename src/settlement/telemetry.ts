import type { Network } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';

/** What happens to money, as operators watch it. `age`: seconds since the call was accepted. Amounts in atomic units, gas in units of gas. */
export type SettlementEvent =
  | { readonly event: 'payment_accepted'; readonly network: Network; readonly amount: bigint }
  | {
      readonly event: 'payment_settled' | 'payment_failed' | 'payment_released';
      readonly network: Network;
      readonly amount: bigint;
      readonly age?: Seconds;
    }
  | {
      readonly event: 'backend_answered';
      readonly network: Network;
      /** Host of a facilitator, or `relayer`. */
      readonly backend: string;
      readonly ok: boolean;
      readonly milliseconds: number;
      /** Never what the backend wrote: a kind, or an x402 reason. */
      readonly error?: string;
    }
  | {
      readonly event: 'backend_circuit';
      readonly network: Network;
      readonly backend: string;
      readonly state: 'closed' | 'open' | 'half_open';
    }
  | MarkRejected
  | {
      readonly event: 'relay_mined';
      readonly network: Network;
      readonly payments: number;
      readonly gasUsed: bigint;
      /** Wei. */
      readonly fee: bigint;
    };

/**
 * A backend called a bound payment not valid yet, although its `validAfter` is in 2005. Operators are alerted: bound payments settle
 * through other backends only, or not at all.
 */
export type MarkRejected = {
  readonly event: 'backend_rejects_bound';
  readonly network: Network;
  readonly backend: string;
  readonly error: string;
};

/** Never throws, and nothing waits for it. */
export type Observe = (event: SettlementEvent) => void;
