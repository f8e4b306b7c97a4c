import type { Seconds } from '../../src/core/clock.ts';

/**
 * How often a message has left. What must be sent is in the committed values, so a message that is lost on its way is sent again until
 * its receiver's answer has been committed. Not stored: an object that wakes sends again.
 */
export type Sending = { readonly sentAt: Seconds; readonly sends: number };

export const UNSENT: Sending = { sentAt: 0, sends: 0 };

/** After this long without an acknowledgement a message is sent again, then at doubled pauses up to `RESEND_MOST`. */
export const RESEND_FIRST: Seconds = 15;
const RESEND_MOST: Seconds = 300;

/** The pause after so many sends without an answer. */
export const resendPause = (sends: number): Seconds =>
  Math.min(RESEND_MOST, RESEND_FIRST * 2 ** (sends - 1));

/** When a message is to be sent (again); 0: at once. */
export const sendAt = ({ sentAt, sends }: Sending): Seconds =>
  sends === 0 ? 0 : sentAt + resendPause(sends);

export const sent = <Message extends Sending>(message: Message, now: Seconds): Message => ({
  ...message,
  sentAt: now,
  sends: message.sends + 1,
});
