import { openEventSplitter } from '../../protocol/event-stream.ts';
import type { Usage } from '../../protocol/meter/meter.ts';
import { affordable, costOf, tariffOf } from '../../protocol/meter/rate.ts';
import type { AnswerMeter, MeteredAnswer } from './answer-meter.ts';

/** How many bytes of a started event may pass above the maximum. After them the answer ends within the event. */
const MAX_PAST = 65_536;

/**
 * Opens the meter of an answer whose usage the gateway counts. The answer ends where the maximum pays for no more: an event stream after
 * the last event that is paid for, any other answer at the byte.
 */
export const openCountingMeter = (
  { startedAt, meter, rates, maximum }: MeteredAnswer,
  isStream: boolean,
): AnswerMeter => {
  const tariff = tariffOf(rates, meter.usage);
  let [events, bytes, seconds] = [0, 0, 0];
  /** Offset in the current chunk after the last event that is paid for. Set once the next event is not. */
  let cut: number | undefined;
  let isSpent = false;
  let isBetween = true;
  let lastEnd = 0;
  /** Bytes that were passed on above the maximum. */
  let past = 0;
  const usage = (): Usage => ({ events, bytes, seconds });

  const tick = (now: number): void => {
    seconds = Math.max(seconds, Math.ceil((now - startedAt) / 1_000));
  };

  const affords = (more: Usage): boolean => costOf(tariff, more) <= maximum;

  const splitter = openEventSplitter({
    data: () => undefined,
    event: (_type, end) => {
      if (cut !== undefined) return;
      events += 1;
      lastEnd = end;
      if (!affords({ events: events + 1, bytes: bytes + end + 1, seconds })) cut = end;
    },
  });

  /** How many bytes of a chunk may pass: those that the maximum pays for, and up to `MAX_PAST` more of a started event. */
  const passable = (length: number): number => {
    const more = affordable(tariff, usage(), 'bytes', maximum);
    if (more === undefined || more >= BigInt(length)) return length;
    const free = more < 0n ? 0 : Number(more);
    const given = isStream ? Math.min(length - free, MAX_PAST - past) : 0;
    past += given;
    return free + given;
  };

  return {
    write: (chunk, now) => {
      tick(now);
      isSpent ||= isBetween && !affords(usage());
      if (isSpent || chunk.length === 0) return 0;
      if (isStream) {
        lastEnd = 0;
        splitter.write(chunk);
      }
      const passed = cut ?? passable(chunk.length);
      isSpent = cut !== undefined || passed < chunk.length;
      isBetween = !isStream || lastEnd === passed;
      bytes += passed;
      return passed;
    },
    isBetweenEvents: () => isBetween,
    remainingMs: (now) => {
      tick(now);
      const more = affordable(tariff, usage(), 'seconds', maximum);
      if (more === undefined) return undefined;
      const until = startedAt + (seconds + Math.max(0, Number(more))) * 1_000;
      return Math.max(0, until - now);
    },
    end: (now) => {
      tick(now);
      if (!isStream) events = 1;
      return { usage: usage(), isWhole: true, isEnded: true };
    },
  };
};
