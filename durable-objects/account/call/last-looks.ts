import { LOOK_DELAY } from './settlement-message.ts';
import { openDueTimes } from '../../store/due-times.ts';
import { resendPause } from '../../store/outbox.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';

/** Messages of one commit or alarm, at most: each is read from storage. */
const MAX_AT_ONCE = 200;

/**
 * Released payments that get a last look after their authorization has ended (law 5). Failures are free, so there may be thousands:
 * memory keeps the id and the time of each, storage the rest.
 */
export type LastLooks = {
  /** @param validBefore end of the authorization. */
  add(call: Hex, validBefore: Seconds): void;
  /** Sends the call to the settlement queue at once. */
  hasten(call: Hex): void;
  remove(call: Hex): void;
  has(call: Hex): boolean;
  /** Calls to send to the settlement queue now. Each counts as sent. */
  take(now: Seconds): readonly Hex[];
  /** When the next look is due; undefined without one. */
  dueAt(): Seconds | undefined;
  size(): number;
};

export const openLastLooks = (stored: Iterable<readonly [Hex, Seconds]>): LastLooks => {
  /** How often each call was sent. */
  const sends = new Map<Hex, number>();
  const times = openDueTimes<Hex>();

  const put = (call: Hex, at: Seconds, sent: number): void => {
    sends.set(call, sent);
    times.set(call, at);
  };
  for (const [call, validBefore] of stored) put(call, validBefore + LOOK_DELAY, 0);

  return {
    add(call, validBefore) {
      if (!sends.has(call)) put(call, validBefore + LOOK_DELAY, 0);
    },
    hasten: (call) => put(call, 0, 0),
    remove(call) {
      sends.delete(call);
      times.set(call, undefined);
    },
    has: (call) => sends.has(call),
    take(now) {
      const due = times.take(now, MAX_AT_ONCE);
      for (const call of due) {
        const sent = (sends.get(call) ?? 0) + 1;
        put(call, now + resendPause(sent), sent);
      }
      return due;
    },
    dueAt: () => times.earliest(),
    size: () => sends.size,
  };
};
