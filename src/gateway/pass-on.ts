import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { openSha256 } from '../crypto/native-crypto.ts';

/**
 * How passing a body on ended. `left`: the caller disconnected, or read too slowly, and the gateway has read on as far as it may. `cut`: the
 * observer let no more pass.
 */
export type PassingEnd = 'complete' | 'truncated' | 'timeout' | 'left' | 'cut';

/** Observes a body as it passes, such as an `AnswerMeter`. */
export type BodyObserver = {
  /** @returns how many bytes of the chunk may be passed on. Fewer than it has: the body ends there. */
  readonly write: (chunk: Uint8Array, now: number) => number;
  /** How many milliseconds the body may go on; undefined if time does not matter. */
  readonly remainingMs: (now: number) => number | undefined;
  /** The offset in the last chunk from which on the caller gets nothing more, as if it had disconnected; undefined if it gets all. */
  readonly withheldFrom?: () => number | undefined;
};

/** How long a body may take, and how far the gateway reads on without its caller. */
export type PassingLimits = {
  readonly seconds: Seconds;
  /** A body that is silent for longer has broken off. */
  readonly idleSeconds: Seconds;
  readonly readOn: { readonly seconds: Seconds; readonly bytes: number };
};

/** A body that was passed on: `digest` is the SHA-256 of its bytes up to the end. */
export type Passed = {
  readonly end: PassingEnd;
  readonly digest: Hex;
  /** Whether the caller is still connected. */
  readonly isConnected: boolean;
};

const WATCH_MS = 1_000;

/** The name of the `DOMException` of a source that has timed out. */
export const TIMED_OUT = 'TimeoutError';

/**
 * Passes a body on byte for byte as it arrives, and reads on for a while if its caller disconnects. Leaves the target open, unless the
 * caller has left it. Never throws.
 *
 * One timer watches all limits, because a timer for each chunk would cost more than the chunk.
 */
export const passOn = async (
  source: ReadableStreamDefaultReader<Uint8Array>,
  target: WritableStreamDefaultWriter<Uint8Array>,
  { seconds, idleSeconds, readOn }: PassingLimits,
  observer?: BodyObserver,
): Promise<Passed> => {
  const startedAt = Date.now();
  const hash = openSha256();
  let bytes = 0;
  let activeAt = startedAt;
  let isSending = false;
  let left: { readonly at: number; readonly bytes: number } | undefined;
  let stopped: PassingEnd | undefined;

  const stop = (end: PassingEnd): void => {
    if (stopped !== undefined) return;
    stopped = end;
    // Ends a read that waits, and a write that waits for a caller that reads nothing.
    void source.cancel().catch(() => undefined);
    if (isSending) void target.abort().catch(() => undefined);
  };

  const watch = (): void => {
    const now = Date.now();
    const isOver = left === undefined && now - startedAt >= seconds * 1_000;
    if (isOver && isSending && readOn.seconds > 0) {
      // Attack: a caller that stops reading before the usage keeps the gateway from it. Its write fails, and the gateway reads on.
      void target.abort().catch(() => undefined);
    } else if (isOver) stop(isSending ? 'left' : 'timeout');
    else if (left !== undefined && now - left.at >= readOn.seconds * 1_000) stop('left');
    else if (!isSending && now - activeAt >= idleSeconds * 1_000) stop('timeout');
    else if (observer?.remainingMs(now) === 0) stop('cut');
  };

  const send = async (chunk: Uint8Array): Promise<void> => {
    isSending = true;
    try {
      await target.write(chunk);
    } catch {
      left = { at: Date.now(), bytes };
    }
    isSending = false;
    activeAt = Date.now();
  };

  const timer = setInterval(watch, WATCH_MS);
  try {
    while (stopped === undefined) {
      const { done, value } = await source.read();
      if (stopped !== undefined) break;
      if (done) {
        stopped = 'complete';
        break;
      }
      activeAt = Date.now();
      const passed = observer?.write(value, activeAt) ?? value.byteLength;
      const chunk = passed < value.byteLength ? value.subarray(0, passed) : value;
      hash.update(chunk);
      bytes += chunk.byteLength;
      const withheldFrom = left === undefined ? observer?.withheldFrom?.() : undefined;
      const shown = withheldFrom === undefined ? chunk : chunk.subarray(0, withheldFrom);
      if (left === undefined && shown.byteLength > 0) await send(shown);
      if (left === undefined && withheldFrom !== undefined) {
        left = { at: Date.now(), bytes };
        void target.abort().catch(() => undefined);
      }
      if (passed < value.byteLength) stop('cut');
      else if (left !== undefined && bytes - left.bytes > readOn.bytes) stop('left');
    }
  } catch (cause) {
    const isLate = cause instanceof DOMException && cause.name === TIMED_OUT;
    stopped ??= isLate ? 'timeout' : 'truncated';
  } finally {
    clearInterval(timer);
  }
  return {
    end: stopped ?? 'truncated',
    digest: hash.digest(),
    isConnected: left === undefined && stopped !== 'left',
  };
};
