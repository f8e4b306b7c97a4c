const WORD = /[\p{L}\p{N}]+/gu;
const ASCII = /^[\x00-\x7f]*$/;
const ASCII_WORD = /[a-z0-9]+/g;
const ASCII_CAMEL_CASE = /([a-z0-9])([A-Z])/g;
const CAMEL_CASE = /(\p{Ll}|\p{N})(\p{Lu})/gu;

/** The most of a text that is read: a query or a schema must not keep the isolate busy (CWE-400). */
const MAX_TEXT = 8_192;
const MAX_TERM = 64;

/**
 * Splits a text into the terms that search compares: words in lower case, without accents and the `s` of a plural. `sendEmails` and
 * `send_email` have the same terms.
 */
export const termsOf = (text: string): readonly string[] => {
  const read = text.slice(0, MAX_TEXT);
  // Most texts are ASCII, where the simple expressions take a quarter of the time.
  const words = ASCII.test(read)
    ? read.replace(ASCII_CAMEL_CASE, '$1 $2').toLowerCase().match(ASCII_WORD)
    : read
        .normalize('NFKD')
        .replace(/\p{M}/gu, '')
        .replace(CAMEL_CASE, '$1 $2')
        .toLowerCase()
        .match(WORD);
  return (words ?? []).map(termOf);
};

const termOf = (word: string): string => {
  const term = word.length > MAX_TERM ? word.slice(0, MAX_TERM) : word;
  return term.length > 3 && term.endsWith('s') && !term.endsWith('ss') ? term.slice(0, -1) : term;
};
