import { nativeSha256 } from '../../crypto/native-crypto.ts';
import type { Seconds } from '../../core/clock.ts';
import { joined } from '../body.ts';
import type { AnswerHeaders, DispatchResult, UsageReader } from '../paid-request.ts';
import { isKnownSoFar } from '../../protocol/meter/metered-charge.ts';
import { type BodyObserver, passOn, TIMED_OUT } from '../pass-on.ts';
import { usageCharge } from './usage-charge.ts';

/** An answer whose status and headers have arrived. */
type MeteredAnswer = {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly metered: UsageReader;
};

type ReadingLimits = {
  /** A longer answer has failed, and costs nothing. */
  readonly bytes: number;
  readonly seconds: Seconds;
  /** The `Content-Length` of a body without encoding. */
  readonly declared: number | undefined;
  /** Aborts when the tool has timed out. */
  readonly signal: AbortSignal;
};

/**
 * Reads an answer of a metered tool completely, for a caller that cannot take a stream. Usage decides the charge as for a stream: an answer
 * that broke off is returned as far as the caller pays for it, and a longer answer ends where the maximum pays for no more. Never throws.
 */
export const readMetered = async (
  { status, headers, body, metered }: MeteredAnswer,
  { bytes: limit, seconds, declared, signal }: ReadingLimits,
): Promise<DispatchResult> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isOver = false;
  const observer: BodyObserver = {
    write: (chunk, now) => {
      const paid = metered.reader.write(chunk, now);
      length += paid;
      isOver ||= length > limit;
      return isOver ? 0 : paid;
    },
    remainingMs: (now) => metered.reader.remainingMs(now),
  };
  const target = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) });
  const limits = {
    seconds,
    idleSeconds: metered.meter.idleSeconds,
    readOn: { seconds: 0, bytes: 0 },
  };
  const source = (body ?? new Blob([]).stream()).getReader();
  const { end } = await passOn(source, target.getWriter(), limits, observer);
  if (isOver) return { kind: 'failed', reason: 'oversized' };

  const isWhole = end === 'cut' || (end === 'complete' && (declared ?? length) === length);
  const reading = metered.reader.end(Date.now());
  const used = usageCharge(metered, reading, isWhole ? 'complete' : 'broken', metered.maximum);
  if (!used.ok) return { kind: 'failed', reason: 'usage', fault: used.error };
  const { basis } = used.value.metered;
  const brokenOff = end === 'timeout' || signal.aborted ? 'timeout' : 'truncated';
  if (basis === 'broken') return { kind: 'failed', reason: brokenOff, ...used.value };
  const read = joined(chunks, length);
  return {
    ...{ kind: 'answered', status, headers, body: read, digest: nativeSha256(read) },
    ...used.value,
    ...(basis === 'partial' ? { end: brokenOff } : end === 'cut' ? { end: 'maximum' } : {}),
  };
};

/**
 * Ends a metered answer that broke off while the gateway read it for a caller that can take a stream.
 *
 * @returns its beginning as a stream that breaks off, if the caller pays for it; otherwise the failure.
 */
export const endBroken = (
  head: Uint8Array<ArrayBuffer>,
  reason: 'timeout' | 'truncated',
  metered: UsageReader,
): DispatchResult | { readonly body: ReadableStream<Uint8Array> } => {
  if (isKnownSoFar(metered.meter.usage)) return { body: breakingOff(head, reason) };
  const now = Date.now();
  metered.reader.write(head, now);
  const used = usageCharge(metered, metered.reader.end(now), 'broken', metered.maximum);
  return used.ok
    ? { kind: 'failed', reason, ...used.value }
    : { kind: 'failed', reason: 'usage', fault: used.error };
};

const breakingOff = (
  head: Uint8Array,
  reason: 'timeout' | 'truncated',
): ReadableStream<Uint8Array> => {
  let isSent = false;
  return new ReadableStream({
    pull: (controller) => {
      if (!isSent && head.byteLength > 0) controller.enqueue(head);
      else
        controller.error(
          reason === 'timeout' ? new DOMException(reason, TIMED_OUT) : new Error(reason),
        );
      isSent = true;
    },
  });
};
