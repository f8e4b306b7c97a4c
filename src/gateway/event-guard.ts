import type { StreamingAnswer } from './paid-request.ts';
import type { BodyObserver } from './pass-on.ts';

/** Observes a stream as it passes: reads its usage, and detects forged events of the gateway. */
export type EventGuard = BodyObserver & {
  /** Whether the bytes so far end with an event, so that another one may follow. */
  readonly isBetweenEvents: () => boolean;
  /** Whether the upstream sent an event with a name of the gateway. The answer ends before that event. */
  readonly isForged: () => boolean;
  /** As `BodyObserver.withheldFrom`; set where text within a line is such an event only to a lenient parser. */
  readonly withheldFrom: () => number | undefined;
};

/** How a field that names an event of the gateway begins, without spaces. */
const OWN = Array.from('event:countersign-', (letter) => letter.charCodeAt(0));
const COLON_AT = OWN.indexOf(58);
const MISMATCH = -1;

const [LF, CR, NUL] = [10, 13, 0];
const BOM = [0xef, 0xbb, 0xbf];

const tableOf = (bytes: readonly number[]): Uint8Array => {
  const table = new Uint8Array(256);
  for (const byte of bytes) table[byte] = 1;
  return table;
};
/** The line ends of the standard, and the last bytes of those that Python's `splitlines` or `\R` of a regular expression accepts. */
const ENDS_LINE = tableOf([LF, CR, 0x0b, 0x0c, 0x1c, 0x1d, 0x1e, 0x85, 0xa8, 0xa9]);
/** What parsers trim around names and values: spaces, tabs, and a BOM anywhere. */
const TRIMMED = tableOf([0x20, 0x09, 0xa0, 0xc2, ...BOM]);

/** Matches the name of an event of the gateway at the start of a line, as leniently as any parser. */
const openNameMatcher = () => {
  let matched = 0;
  let isLine = true;
  return {
    /** @returns whether such a name has begun. */
    step: (byte: number): boolean => {
      if (ENDS_LINE[byte] === 1) {
        matched = 0;
        isLine = byte === LF || byte === CR;
      } else if (matched !== MISMATCH && byte !== NUL) {
        const lower = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
        const mayTrim = matched === 0 || matched === COLON_AT || matched === COLON_AT + 1;
        if (OWN[matched] === lower) matched += 1;
        else if (!mayTrim || TRIMMED[byte] !== 1) matched = MISMATCH;
      }
      return matched === OWN.length;
    },
    isMismatch: (): boolean => matched === MISMATCH,
    /** Whether it began where the standard begins a line. */
    isLine: (): boolean => isLine,
  };
};

/** Follows the empty lines, which end events (WHATWG HTML §9.2.6). */
const openLines = () => {
  let bom = 0;
  let isEmpty = true;
  let isBetween = true;
  let afterReturn = false;
  return {
    step: (byte: number): void => {
      const isSecond = afterReturn && byte === LF;
      afterReturn = byte === CR;
      if (isSecond) return;
      if (byte === LF || byte === CR) {
        isBetween = isEmpty;
        isEmpty = true;
        bom = BOM.length;
      } else if (byte === BOM[bom]) {
        bom += 1;
        [isEmpty, isBetween] = [bom === BOM.length, bom === BOM.length];
      } else {
        [isEmpty, isBetween] = [false, false];
        bom = BOM.length;
      }
    },
    isBetween: (): boolean => isBetween,
  };
};

/** Whether a lenient caller could read an answer as an event stream. */
const mayBeEvents = ({ headers, isEventStream }: StreamingAnswer): boolean =>
  isEventStream || /^\s*$|event-?stream|,/i.test(headers['content-type'] ?? '');

/**
 * Opens the guard of a stream. Attack: an upstream sends an event `countersign-receipt` of another call. For a caller that requested events
 * of the gateway, the answer ends before any event of the upstream with such a name, in every spelling that a parser could accept.
 *
 * Attack: a caller lets the tool repeat such a name after U+2028 or another character that JSON leaves as it is, at the end of its text, to
 * get the text for nothing. So only a line of the standard makes the tool fail; for any other form the caller counts as disconnected.
 */
export const openEventGuard = (answer: StreamingAnswer, requestsEvents: boolean): EventGuard => {
  const { metered, isEventStream } = answer;
  const isGuarded = requestsEvents && mayBeEvents(answer);
  const lines = openLines();
  const name = openNameMatcher();
  let isForged = false;
  let withheldFrom: number | undefined;

  /** How many bytes may pass: up to the end of the last event before a forged one. */
  const passable = (chunk: Uint8Array): number => {
    let lastEnd = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      // Most bytes are in the middle of a line, where nothing begins.
      if (name.isMismatch()) while (at < chunk.length && ENDS_LINE[chunk[at] ?? 0] !== 1) at += 1;
      if (at === chunk.length) break;
      const byte = chunk[at] ?? 0;
      if (name.step(byte)) {
        isForged = isEventStream && name.isLine();
        if (isForged) return lastEnd;
        withheldFrom = lastEnd;
        return chunk.length;
      }
      lines.step(byte);
      if (lines.isBetween()) lastEnd = at + 1;
    }
    return chunk.length;
  };
  return {
    write(chunk, now) {
      const paid = metered?.reader.write(chunk, now) ?? chunk.length;
      if (!isGuarded || withheldFrom !== undefined) return paid;
      return isForged ? 0 : passable(paid < chunk.length ? chunk.subarray(0, paid) : chunk);
    },
    remainingMs: (now) => metered?.reader.remainingMs(now),
    isBetweenEvents: lines.isBetween,
    isForged: () => isForged,
    withheldFrom: () => withheldFrom,
  };
};
