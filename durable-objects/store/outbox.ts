import type { Seconds } from '../../src/core/clock.ts';

/**
 * How often the object has sent a message. The committed values decide what must be sent, so the object sends a lost message again until it
 * has committed the receiver's answer. Not stored: an object that wakes sends again.
 */
export type Sending = { readonly sentAt: Seconds; readonly sends: number };

export const UNSENT: Sending = { sentAt: 0, sends: 0 };

/** The pause before an unacknowledged message is sent again. Each further pause is twice as long, up to `RESEND_MOST`. */
export const RESEND_FIRST: Seconds = 15;
const RESEND_MOST: Seconds = 300;

/** Returns the pause after this many sends without an acknowledgement. */
export const resendPause = (sends: number): Seconds =>
  Math.min(RESEND_MOST, RESEND_FIRST * 2 ** (sends - 1));

/** Returns when a message must be sent (again); 0: at once. */
export const sendAt = ({ sentAt, sends }: Sending): Seconds =>
  sends === 0 ? 0 : sentAt + resendPause(sends);

export const sent = <Message extends Sending>(message: Message, now: Seconds): Message => ({
  ...message,
  sentAt: now,
  sends: message.sends + 1,
});
