import type { PaymentState } from '../protocol/payment.ts';

/**
 * What can happen to a payment (design §6). `succeed`: its tool succeeded and the payment is deferred. `present`: a
 * backend was asked to settle it. `settle`, `fail`, `release`: what the chain said, or the gateway gave it back.
 */
export type PaymentEvent = 'succeed' | 'present' | 'settle' | 'fail' | 'release';

/**
 * Every move there is. An event that repeats, or that the Queue delivers late, leaves the state as it is; an event that
 * is not listed must never happen, and changes nothing.
 */
const TABLE: Record<PaymentState, Partial<Record<PaymentEvent, PaymentState>>> = {
  none: {},
  // Not `present`: a payment whose tool is still running must not be taken. An upfront one is settled from here at once.
  held: { succeed: 'queued', settle: 'settled', fail: 'failed', release: 'released' },
  // From here on not `release`: the answer was delivered, so the payment ends paid, owed or written off.
  queued: { succeed: 'queued', present: 'sent', settle: 'settled', fail: 'failed' },
  sent: { succeed: 'sent', present: 'sent', settle: 'settled', fail: 'failed' },
  // A tool may succeed or fail after an upfront settlement: the money has moved either way (law 4: credit).
  settled: { succeed: 'settled', present: 'settled', settle: 'settled', release: 'settled' },
  failed: { present: 'failed', fail: 'failed' },
  // Money that moved after all becomes credit (design §6); a spent or cancelled nonce leaves it released.
  released: { present: 'released', settle: 'settled', fail: 'released', release: 'released' },
};

/** The state after an event, or undefined where the event must not happen in this state. */
export const transition = (state: PaymentState, event: PaymentEvent): PaymentState | undefined =>
  TABLE[state][event];
