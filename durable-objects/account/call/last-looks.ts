import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { resendPause } from '../../store/outbox.ts';
import { LOOK_DELAY } from '../log/outbox.ts';

/** Messages of one commit or alarm, at most: each is read from storage. */
const AT_ONCE = 200;

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
  /** Calls to send to the settlement queue now. Each counts as sent. */
  take(now: Seconds): readonly Hex[];
  /** When the next look is due; undefined without one. */
  dueAt(): Seconds | undefined;
  size(): number;
};

export const openLastLooks = (stored: Iterable<readonly [Hex, Seconds]>): LastLooks => {
  type Look = { readonly at: Seconds; readonly sends: number };
  const looks = new Map<Hex, Look>();
  /** The earliest time; undefined if it must be computed. */
  let soonest: Seconds | undefined = Infinity;

  const put = (call: Hex, look: Look): void => {
    const known = looks.get(call);
    looks.set(call, look);
    // The earliest has moved: another one may be the next.
    if (known !== undefined && known.at === soonest) soonest = undefined;
    else if (soonest !== undefined) soonest = Math.min(soonest, look.at);
  };
  const next = (): Seconds => {
    if (soonest === undefined) {
      soonest = Infinity;
      for (const { at } of looks.values()) soonest = Math.min(soonest, at);
    }
    return soonest;
  };
  for (const [call, validBefore] of stored) put(call, { at: validBefore + LOOK_DELAY, sends: 0 });

  return {
    add(call, validBefore) {
      if (!looks.has(call)) put(call, { at: validBefore + LOOK_DELAY, sends: 0 });
    },
    hasten: (call) => put(call, { at: 0, sends: 0 }),
    remove(call) {
      if (looks.get(call)?.at === soonest) soonest = undefined;
      looks.delete(call);
    },
    take(now) {
      const due: Hex[] = [];
      if (next() > now) return due;
      for (const [call, { at, sends }] of looks) {
        if (at > now) continue;
        due.push(call);
        put(call, { at: now + resendPause(sends + 1), sends: sends + 1 });
        if (due.length === AT_ONCE) break;
      }
      return due;
    },
    dueAt: () => (looks.size === 0 ? undefined : next()),
    size: () => looks.size,
  };
};
