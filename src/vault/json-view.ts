/**
 * Reads a stream of JSON as its strings mean it: every escape of a backslash is replaced by the bytes it stands for. `\\u0041` and `A` are the
 * same to a client, and no list of forms holds every mixture of both.
 */
export type JsonView = {
  /** Returns the decoded bytes of a chunk. An escape that the chunk cuts is decoded with the next one. */
  readonly feed: (chunk: Uint8Array) => Uint8Array;
  /** The position in the source of a decoded byte. */
  readonly sourceOf: (position: number) => number;
  /** Forgets the places of decoded bytes before a position. */
  readonly forget: (position: number) => void;
};

const BACKSLASH = 0x5c;
const U = 0x75;
const SIMPLE: Readonly<Record<number, number>> = {
  0x22: 0x22,
  0x2f: 0x2f,
  0x5c: 0x5c,
  0x62: 0x08,
  0x66: 0x0c,
  0x6e: 0x0a,
  0x72: 0x0d,
  0x74: 0x09,
};
const LONGEST = 12;

const encoder = new TextEncoder();

/** A piece of the view: bytes that are the source's own, or the bytes of one escape. */
type Piece = { readonly view: number; readonly source: number; readonly isEscape: boolean };

/** @param from position of the first byte, in the source and in the view: before it both are the same */
export const openJsonView = (from: number): JsonView => {
  /** In the order of the view. */
  let pieces: Piece[] = [];
  let rest: Uint8Array = new Uint8Array(0);
  /** The positions after the last byte that was received and decoded. */
  let position = from;
  let end = from;

  const feed = (chunk: Uint8Array): Uint8Array => {
    const source = rest.length === 0 ? chunk : joined(rest, chunk);
    const base = position - rest.length;
    const decoded = new Uint8Array(source.length);
    let length = 0;
    let at = 0;
    const put = (bytes: Uint8Array, isEscape: boolean): void => {
      pieces.push({ view: end + length, source: base + at, isEscape });
      decoded.set(bytes, length);
      length += bytes.length;
    };
    while (at < source.length) {
      const found = source.indexOf(BACKSLASH, at);
      const next = found < 0 ? source.length : found;
      if (next > at) put(source.subarray(at, next), false);
      at = next;
      if (at === source.length) break;
      const escape = readEscape(source, at);
      if (escape === 'cut') break;
      put(escape.bytes, true);
      at += escape.length;
    }
    rest = source.slice(at);
    position = base + source.length;
    end += length;
    return decoded.subarray(0, length);
  };

  /** The index of the piece that holds a decoded byte. */
  const pieceAt = (wanted: number): number => {
    let [low, high] = [0, pieces.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((pieces[middle]?.view ?? 0) <= wanted) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  return {
    feed,
    sourceOf: (wanted) => {
      if (wanted < from) return wanted;
      if (wanted >= end) return position - rest.length;
      const { view, source, isEscape } = pieces[pieceAt(wanted)] ?? {
        view: 0,
        source: 0,
        isEscape: true,
      };
      return isEscape ? source : source + wanted - view;
    },
    forget: (before) => {
      const first = pieceAt(before);
      if (first > 0) pieces = pieces.slice(first);
    },
  };
};

type Escape = { readonly bytes: Uint8Array; readonly length: number };

const readEscape = (source: Uint8Array, at: number): Escape | 'cut' => {
  const kind = source[at + 1];
  if (kind === undefined) return 'cut';
  if (kind !== U) {
    const simple = SIMPLE[kind];
    return simple === undefined
      ? { bytes: Uint8Array.of(BACKSLASH), length: 1 }
      : { bytes: Uint8Array.of(simple), length: 2 };
  }
  const unit = unitAt(source, at);
  if (unit === 'cut') return 'cut';
  if (unit === undefined) return { bytes: Uint8Array.of(BACKSLASH), length: 1 };
  if (unit < 0xd800 || unit > 0xdbff) {
    return { bytes: encoder.encode(String.fromCharCode(unit)), length: 6 };
  }
  // A character beyond the first plane is two escapes.
  const low =
    source.length < at + LONGEST && isEscapeSoFar(source, at + 6) ? 'cut' : unitAt(source, at + 6);
  if (low === 'cut') return 'cut';
  return low === undefined || low < 0xdc00 || low > 0xdfff
    ? { bytes: encoder.encode('\ufffd'), length: 6 }
    : { bytes: encoder.encode(String.fromCharCode(unit, low)), length: 12 };
};

const isEscapeSoFar = (source: Uint8Array, at: number): boolean =>
  (source[at] ?? BACKSLASH) === BACKSLASH && (source[at + 1] ?? U) === U;

/** The code unit of `\uXXXX` at a place. */
const unitAt = (source: Uint8Array, at: number): number | 'cut' | undefined => {
  if (source[at] !== BACKSLASH || source[at + 1] !== U) return undefined;
  let unit = 0;
  for (let index = at + 2; index < at + 6; index += 1) {
    const byte = source[index];
    if (byte === undefined) return 'cut';
    const digit = digitOf(byte);
    if (digit === undefined) return undefined;
    unit = unit * 16 + digit;
  }
  return unit;
};

const digitOf = (byte: number): number | undefined => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
};

const joined = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(left.length + right.length);
  whole.set(left);
  whole.set(right, left.length);
  return whole;
};
