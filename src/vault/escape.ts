import { utf8 } from '../crypto/bytes.ts';

/** One reading of an escape: the bytes that it decodes to, and its length in the source. */
export type Escape = { readonly bytes: Uint8Array; readonly length: number };

const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const AMPERSAND = 0x26;

/** The longest escape: an ampersand of six bytes, ten of a reference, a semicolon. */
export const LONGEST_ESCAPE = 17;

/** The bytes that begin an escape. */
export const TRIGGERS: readonly number[] = [BACKSLASH, PERCENT, AMPERSAND];

const NONE: readonly Escape[] = [];

/**
 * Reads the escape that begins at a trigger: `\n`, `\u0041` and `\x41` of JSON and JavaScript, `%41` of URLs and forms, `&#65;`, `&#x41;`
 * and `&amp;` of HTML. Encoders escape different characters, so no list of forms covers every mixture.
 *
 * @returns more than one reading where JSON holds HTML, whose ampersands Go and .NET write as `\u0026`; none where no escape begins; `cut`
 *   if more bytes are needed to decide
 */
export const readEscapes = (source: Uint8Array, at: number): readonly Escape[] | 'cut' => {
  if (source[at] === BACKSLASH) return readBackslash(source, at);
  return source[at] === PERCENT ? readHex(source, at, 1) : readReference(source, at, 1);
};

const SIMPLE: Readonly<Record<string, number>> = {
  ...{ '"': 0x22, "'": 0x27, '/': 0x2f, '`': 0x60, '\\': BACKSLASH },
  ...{ b: 0x08, f: 0x0c, n: 0x0a, r: 0x0d, t: 0x09 },
};
const SINGLES = new Map(
  Object.entries(SIMPLE).map(([kind, byte]) => [
    kind.charCodeAt(0),
    [{ bytes: Uint8Array.of(byte), length: 2 }],
  ]),
);
const U = 0x75;
const X = 0x78;
const CASE = 0x20;

const readBackslash = (source: Uint8Array, at: number): readonly Escape[] | 'cut' => {
  const kind = source[at + 1];
  if (kind === undefined) return 'cut';
  // A server that converts text to upper case also converts escapes.
  if ((kind | CASE) === X) return withReference(source, at, readHex(source, at, 2));
  if ((kind | CASE) !== U) return SINGLES.get(kind) ?? NONE;
  const unit = hexAt(source, at + 2, 4);
  if (unit === 'cut') return 'cut';
  if (unit === undefined) return NONE;
  if (unit >> 10 !== 0x36) return withReference(source, at, [escapeOf(unit, 6)]);
  // A character beyond the first plane is two escapes (surrogates): the first one begins with the bits 110110.
  const low = hexAt(source, at + 8, 4);
  return low === undefined || low === 'cut'
    ? (low ?? NONE)
    : [escapeOf(0x1_00_00 + ((unit & 0x3_ff) << 10) + (low & 0x3_ff), 12)];
};

const escapeOf = (point: number, length: number): Escape => ({
  bytes: point < 0x80 ? Uint8Array.of(point) : utf8(String.fromCodePoint(point)),
  length,
});

/** Adds the character reference that begins with an escaped ampersand. */
const withReference = (
  source: Uint8Array,
  at: number,
  escapes: readonly Escape[] | 'cut',
): readonly Escape[] | 'cut' => {
  const [escape] = escapes;
  if (typeof escape !== 'object' || escape.bytes[0] !== AMPERSAND) return escapes;
  const reference = readReference(source, at, escape.length);
  return reference === 'cut' ? 'cut' : [escape, ...reference];
};

/** The readings of each byte in hex, by the bytes before its digits and the byte. */
const HEX = [1, 2].map((before) =>
  Array.from({ length: 256 }, (_, byte) => [{ bytes: Uint8Array.of(byte), length: before + 2 }]),
);

/** Reads two hex digits that stand for a byte. */
const readHex = (source: Uint8Array, at: number, before: 1 | 2): readonly Escape[] | 'cut' => {
  const byte = hexAt(source, at + before, 2);
  return byte === 'cut' ? 'cut' : (HEX[before - 1]?.[byte ?? -1] ?? NONE);
};

const hexAt = (source: Uint8Array, at: number, digits: number): number | 'cut' | undefined => {
  let value = 0;
  for (let index = at; index < at + digits; index += 1) {
    const byte = source[index];
    if (byte === undefined) return 'cut';
    const digit = digitOf(byte);
    if (digit === undefined) return undefined;
    value = value * 16 + digit;
  }
  return value;
};

const digitOf = (byte: number): number | undefined => {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
};

/** Packs a name into a number. Digits and letters collide, but an extra reading does no harm. */
const keyOf = (name: Uint8Array): number => name.reduce((key, byte) => key * 32 + (byte & 31), 0);

/** The named references of ASCII characters (WHATWG HTML §13.5) that encoders write, without regard to case. */
const NAMED: ReadonlyMap<number, Uint8Array> = new Map(
  (
    'excl! quot" num# dollar$ percnt% amp& apos\' lpar( rpar) ast* plus+ comma, period. sol/ colon: semi; lt< equals= gt> quest? commat@ ' +
    'lsqb[ bsol\\ rsqb] hat^ lowbar_ grave` lcub{ verbar| rcub}'
  )
    .split(' ')
    .map((each) => [keyOf(utf8(each.slice(0, -1))), utf8(each.slice(-1))]),
);
/** Bytes of a reference after its ampersand, without the semicolon, at most. No encoder writes more leading zeros. */
const LONGEST = 9;
const SEMICOLON = 0x3b;
const HASH = 0x23;

const isPartOfReference = (byte: number): boolean => {
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === HASH;
};

/** @param ampersand how many bytes the ampersand has */
const readReference = (
  source: Uint8Array,
  at: number,
  ampersand: number,
): readonly Escape[] | 'cut' => {
  const from = at + ampersand;
  let to = from;
  while (to <= from + LONGEST && isPartOfReference(source[to] ?? 0)) to += 1;
  if (to === source.length && to <= from + LONGEST) return 'cut';
  if (source[to] !== SEMICOLON || to === from) return NONE;
  const length = to + 1 - at;
  if (source[from] !== HASH) {
    const bytes = NAMED.get(keyOf(source.subarray(from, to)));
    return bytes === undefined ? NONE : [{ bytes, length }];
  }
  const isHex = ((source[from + 1] ?? 0) | CASE) === X;
  let point = 0;
  for (let index = from + (isHex ? 2 : 1); index < to; index += 1) {
    const digit = digitOf(source[index] ?? 0);
    if (digit === undefined || (digit > 9 && !isHex)) return NONE;
    point = point * (isHex ? 16 : 10) + digit;
  }
  return point > 0x10_ff_ff ? NONE : [escapeOf(point, length)];
};
