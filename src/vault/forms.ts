import { bytesToHex } from '@noble/hashes/utils.js';
import { encodeBase64, utf8 } from '../crypto/bytes.ts';

/**
 * Returns every form in which a server that handles a text plainly may give it back, without repeats: as it is, in base64 and base64url
 * wherever it begins in the encoded bytes, in hex, percent-encoded, as a form field, escaped for JSON and for HTML. Letters are in lower
 * case: the scanner ignores the case of ASCII letters, which is free in hex and in escapes.
 */
export const formsOf = (text: string): readonly string[] => [
  ...new Set(
    [
      text,
      ...base64Forms(utf8(text)),
      bytesToHex(utf8(text)),
      ...percentForms(text),
      ...jsonForms(text),
      ...htmlForms(text),
    ].map(lowerAscii),
  ),
];

/** Changes A to Z only: other letters have another number of bytes in another case. */
export const lowerAscii = (text: string): string =>
  text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

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

const everyByte = (text: string): string =>
  [...utf8(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

const percentForms = (text: string): readonly string[] => {
  const component = encodeURIComponent(text);
  const strict = component.replace(/[!'()*]/g, everyByte);
  // URLSearchParams keeps `*`, escapes `~`, and writes a space as `+`.
  const form = new URLSearchParams([['', text]]).toString().slice(1);
  return [
    component,
    strict,
    strict.replaceAll('%20', '+'),
    encodeURI(text),
    // Encoders of path segments keep these.
    component.replaceAll('%2F', '/'),
    form,
    everyByte(text),
  ];
};

const unicodeEscape = (unit: string): string =>
  `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

const jsonForms = (text: string): readonly string[] => {
  const plain = JSON.stringify(text).slice(1, -1);
  const ascii = plain.replace(/[^\x20-\x7e]/g, unicodeEscape);
  return [
    plain,
    plain.replaceAll('/', '\\/'),
    ascii,
    ascii.replaceAll('/', '\\/'),
    // Go and .NET escape these as well.
    plain.replace(/[<>&]/g, unicodeEscape),
    ascii.replace(/[<>&'+]/g, unicodeEscape),
    // A JSON text inside a JSON string.
    JSON.stringify(plain).slice(1, -1),
    text.replace(/[^]/g, unicodeEscape),
  ];
};

const HTML: readonly Readonly<Record<string, string>>[] = [
  { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' },
  { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;', '/': '&#x2f;' },
  { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#039;' },
  { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' },
  { '&': '&amp;', '<': '&lt;', '>': '&gt;' },
];

const htmlForms = (text: string): readonly string[] =>
  HTML.map((escapes) => text.replace(/[&<>"'/]/g, (unit) => escapes[unit] ?? unit));
