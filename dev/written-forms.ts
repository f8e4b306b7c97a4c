import { utf8 } from '../src/crypto/bytes.ts';
import { formsOf, lowerAscii } from '../src/vault/forms.ts';

/**
 * Returns the forms in which a server may plausibly return a text, in lower case: those of the scrubber, and the text escaped for URLs,
 * JSON and HTML.
 */
export const writtenForms = (text: string): readonly string[] => [
  ...new Set([
    ...formsOf(text),
    ...[...percentForms(text), ...jsonForms(text), ...htmlForms(text)].map(lowerAscii),
  ]),
];

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
    // Path segment encoders leave these characters as they are.
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
