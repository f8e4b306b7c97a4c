import type { PaymentState } from '../protocol/payment.ts';

/**
 * The events of a payment. `succeed`: its tool succeeded and the payment is deferred. `present`: a backend got it. `settle`, `fail`,
 * `release`: what the chain showed, or the gateway gave the payment back.
 */
export type PaymentEvent = 'succeed' | 'present' | 'settle' | 'fail' | 'release';

/**
 * Every allowed transition. A repeated event, or one that the Queue delivers late, leaves the state as it is. An unlisted event must not
 * happen, and changes nothing.
 */
const TABLE: Record<PaymentState, Partial<Record<PaymentEvent, PaymentState>>> = {
  none: {},
  // Not `present`: a payment whose tool still runs must not be settled. An upfront payment goes from here to `settled`.
  held: { succeed: 'queued', settle: 'settled', fail: 'failed', release: 'released' },
  // No `release` from here on: the answer was delivered, so the payment ends paid, owed or written off.
  queued: { succeed: 'queued', present: 'sent', settle: 'settled', fail: 'failed' },
  sent: { succeed: 'sent', present: 'sent', settle: 'settled', fail: 'failed' },
  // After an upfront settlement the tool may succeed or fail; either way the money has moved (law 4: it becomes credit).
  settled: { succeed: 'settled', present: 'settled', settle: 'settled', release: 'settled' },
  failed: { present: 'failed', fail: 'failed' },
  // If the money moves after all, it becomes credit; a spent or cancelled nonce leaves the payment released.
  released: { present: 'released', settle: 'settled', fail: 'released', release: 'released' },
};

/** The state after an event, or undefined if the event must not happen in this state. */
export const transition = (state: PaymentState, event: PaymentEvent): PaymentState | undefined =>
  TABLE[state][event];
