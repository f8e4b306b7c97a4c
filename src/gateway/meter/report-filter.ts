import { type AnswerSource, tokensOf } from './report-place.ts';

/** Whether a complete JSON document may hold a report. */
export type ReportFilter = (document: Uint8Array) => boolean;

/** A name with its closing quote, and how far a search may move by the last byte that it compared. */
type Needle = { readonly bytes: Uint8Array; readonly shifts: Uint8Array };

const needleOf = (name: string): Needle => {
  const bytes = new TextEncoder().encode(`${name}"`).slice(-MAX_NEEDLE);
  const shifts = new Uint8Array(256).fill(bytes.length);
  for (const [at, byte] of bytes.entries()) {
    if (at < bytes.length - 1) shifts[byte] = bytes.length - 1 - at;
  }
  return { bytes, shifts };
};

/** The end of a longer name is enough. */
const MAX_NEEDLE = 200;

/** Returns the offset after the next occurrence; -1 if there is none. Boyer–Moore–Horspool skips most bytes. */
const find = ({ bytes, shifts }: Needle, text: Uint8Array, from: number): number => {
  const last = bytes.length - 1;
  for (let end = from + last; end < text.length;) {
    let at = last;
    while (at >= 0 && text[end - last + at] === bytes[at]) at -= 1;
    if (at < 0) return end + 1;
    end += shifts[text[end] ?? 0] ?? 1;
  }
  return -1;
};

const NULL = new TextEncoder().encode(':null');

/** Chunks of OpenAI-compatible streams have `"usage":null` until the last one. */
const isNull = (text: Uint8Array, at: number): boolean =>
  NULL.every((byte, offset) => text[at + offset] === byte);

/**
 * Opens a filter for the documents of a stream. Most have no report, and searching a document for the name of a report is many times faster
 * than reading it: a stream must cost the gateway no more than 2 µs an event.
 */
export const openReportFilter = (at: readonly string[], { units }: AnswerSource): ReportFilter => {
  const places = at.map((pointer) => tokensOf(pointer).at(-1));
  // A report that is the whole document has no name, but its values do.
  const names = places.includes(undefined)
    ? Object.values(units).flatMap(({ pointers }) =>
        pointers.map((pointer) => tokensOf(pointer).at(-1)),
      )
    : places;
  const known = names.filter((name) => name !== undefined);
  if (known.length < names.length) return () => true;
  const needles = [...new Set(known)].map(needleOf);
  return (document) =>
    needles.some((needle) => {
      for (let end = find(needle, document, 0); end !== -1; end = find(needle, document, end)) {
        if (!isNull(document, end)) return true;
      }
      return false;
    });
};
