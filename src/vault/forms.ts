import { bytesToHex } from '@noble/hashes/utils.js';
import { encodeBase64, utf8 } from '../crypto/bytes.ts';

/**
 * Returns the texts that the scanner searches for, without repeats: the text itself, in base64 and base64url at every alignment, and in
 * hex. The scanner decodes escapes, so it finds every mixture of them; the escaped forms here are for escapes of escapes. Letters are in
 * lower case: the scanner ignores the case of ASCII letters, which varies in hex and in escapes.
 */
export const formsOf = (text: string): readonly string[] => [
  ...new Set(
    [
      text,
      // HTML forms encode a space this way.
      text.replaceAll(' ', '+'),
      ...base64Forms(utf8(text)),
      ...base64Spellings(text),
      bytesToHex(utf8(text)),
      // A URL in a URL, JSON in a JSON string.
      encodeURIComponent(text),
      JSON.stringify(text).slice(1, -1),
    ].map(lowerAscii),
  ),
];

/** Changes A to Z only: other letters may have a different number of bytes in the other case. */
export const lowerAscii = (text: string): string =>
  text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** For a text that is itself base64, as keys and signatures are: the text without padding and in both alphabets. */
const base64Spellings = (text: string): readonly string[] => {
  const [, plain] = /^([\w+/-]+)={0,2}$/.exec(text) ?? [];
  return plain === undefined
    ? []
    : [plain, plain.replace(/[+/]/g, toUrl), plain.replace(/[-_]/g, toStandard)];
};
const toUrl = (letter: string): string => (letter === '+' ? '-' : '_');
const toStandard = (letter: string): string => (letter === '-' ? '+' : '/');

/**
 * The characters of base64 that depend on the text alone, for each of the three places where it may begin in a group of three bytes. The
 * first and last character of others also hold bits of the neighbours.
 */
const base64Forms = (bytes: Uint8Array): readonly string[] =>
  [0, 1, 2].flatMap((before) => {
    const placed = new Uint8Array(before + bytes.length);
    placed.set(bytes, before);
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((placed.length * 8) / 6);
    const standard = encodeBase64(placed).slice(from, to);
    return [standard, standard.replaceAll('+', '-').replaceAll('/', '_')];
  });
