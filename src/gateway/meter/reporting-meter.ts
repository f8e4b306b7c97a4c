import { openEventSplitter } from '../../protocol/event-stream.ts';
import { isWholeUsage, type UsageFault } from '../../protocol/meter/metered-charge.ts';
import type { EndEvent, Rates, UsageSource } from '../../protocol/meter/meter.ts';
import type { AnswerMeter } from './answer-meter.ts';
import type { AnswerSource } from './report-place.ts';
import { openReportFilter } from './report-filter.ts';
import { openReportReader } from './report-reader.ts';
import { openUsageTally, readCount } from './usage-tally.ts';

const PASSES: Pick<AnswerMeter, 'remainingMs'> = { remainingMs: () => undefined };

/** Opens the meter of an answer whose upstream reports usage in it. */
export const openReportingMeter = (
  source: AnswerSource,
  rates: Rates,
  isStream: boolean,
): AnswerMeter => {
  const { answer, events, end } = source;
  const places = isStream ? events : answer === undefined ? [] : [answer];
  const reader = openReportReader(places, source);
  const tally = openUsageTally(source);
  const ending = openEnding(isStream ? end : undefined);
  const mayReport = openReportFilter(places, source);
  let isBetween = true;
  let lastEnd = 0;
  /** The first piece of an event, until the meter knows whether it is the only one. A view of the current chunk. */
  let first: Uint8Array | undefined;
  let isRead = false;
  const readFirst = (): void => {
    if (first !== undefined) reader.write(first);
    isRead ||= first !== undefined;
    first = undefined;
  };
  const splitter = openEventSplitter({
    data: (piece) => {
      ending.data(piece);
      if (first === undefined && !isRead) {
        first = piece;
        return;
      }
      readFirst();
      reader.write(piece);
    },
    event: (type, offset) => {
      if (first !== undefined && mayReport(first)) readFirst();
      if (isRead) tally.add(reader.end());
      first = undefined;
      isRead = false;
      ending.event(type);
      lastEnd = offset;
    },
  });
  return {
    ...PASSES,
    write: (chunk) => {
      if (!isStream) reader.write(chunk);
      else if (chunk.length > 0) {
        lastEnd = 0;
        splitter.write(chunk);
        readFirst();
        isBetween = lastEnd === chunk.length;
      }
      return chunk.length;
    },
    isBetweenEvents: () => isBetween,
    end: () => {
      if (!isStream) tally.add(reader.end());
      const usage = tally.usage();
      const fault = tally.fault();
      return {
        usage,
        isWhole: isWholeUsage(usage, rates, source),
        isEnded: ending.isSeen(),
        ...(fault === undefined ? {} : { fault }),
      };
    },
  };
};

/** Detects the event that ends a stream. If the source names none, every stream counts as ended. */
const openEnding = (end: EndEvent | undefined) => {
  const wanted = new TextEncoder().encode(end !== undefined && 'data' in end ? end.data : '');
  let isSeen = end === undefined;
  let matched = 0;
  let isEqual = true;
  return {
    data: (piece: Uint8Array): void => {
      isEqual &&=
        matched + piece.length <= wanted.length &&
        piece.every((byte, at) => byte === wanted[matched + at]);
      matched += piece.length;
    },
    event: (type: string): void => {
      if (end !== undefined) {
        isSeen ||= 'event' in end ? type === end.event : isEqual && matched === wanted.length;
      }
      matched = 0;
      isEqual = true;
    },
    isSeen: () => isSeen,
  };
};

/** Opens the meter of an answer whose upstream reports usage in its headers. A repeated header arrives joined by a comma: no number. */
export const readHeaderUsage = (
  source: Extract<UsageSource, { readonly from: 'header' }>,
  rates: Rates,
  headers: Headers,
): AnswerMeter => {
  const counts = Object.entries(source.units).flatMap(([unit, name]) => {
    const number = headers.get(name)?.trim();
    return number === undefined ? [] : [[unit, readCount(unit, { number })] as const];
  });
  const usage = Object.fromEntries(
    counts.flatMap(([unit, count]) => (typeof count === 'number' ? [[unit, count]] : [])),
  );
  const fault = counts
    .map(([, count]) => count)
    .find((count): count is UsageFault => typeof count !== 'number');
  return {
    ...PASSES,
    write: (chunk) => chunk.length,
    isBetweenEvents: () => true,
    end: () => ({
      usage,
      isWhole: isWholeUsage(usage, rates, source),
      isEnded: true,
      ...(fault === undefined ? {} : { fault }),
    }),
  };
};
