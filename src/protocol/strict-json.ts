import { err, ok, type Result } from '../core/result.ts';
import { decodeBinary, decodeBinaryUrl, decodeBinaryUtf8 } from '../crypto/bytes.ts';
import { type WireFault, wirePath, type WireReason } from './fault.ts';

/** Why the parser rejects a text, with the key if one is at fault. */
type JsonFault =
  | { readonly reason: 'syntax' }
  | { readonly reason: 'too_deep'; readonly limit: number }
  | { readonly reason: 'duplicate_key'; readonly key: string }
  | { readonly reason: 'forbidden_key'; readonly key: string }
  | { readonly reason: 'lone_surrogate' };

/** How deep untrusted JSON may nest, unless its reader needs more. */
export const MAX_DEPTH = 16;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/** Index of the quote that ends the string literal starting at `start`, or -1. */
export const endOfString = (text: string, start: number): number => {
  const quote = text.indexOf('"', start + 1);
  // Fast path: most strings hold no escape, and `indexOf` is faster than a loop.
  const escape = quote < 0 ? -1 : text.slice(start + 1, quote).indexOf('\\');
  if (escape < 0) return quote;
  for (let at = start + 1 + escape; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE) return at;
  }
  return -1;
};

/** Tab, line feed, carriage return, space. */
const isSpace = (code: number): boolean =>
  code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

const isKeyPosition = (text: string, after: number): boolean => {
  let at = after;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return text.charCodeAt(at) === 0x3a;
};

const literal = (text: string): string | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
};

/**
 * Finds what JSON.parse accepts silently: duplicate keys (JSON.parse keeps the last, another parser the first, and the two would act
 * on different payments), `__proto__` (CWE-1321), nesting that overflows a recursive reader (CWE-674), and lone surrogates, which
 * encode to the same UTF-8 as U+FFFD.
 */
const hiddenFault = (text: string, depth: number): JsonFault | undefined => {
  const keys: Set<string>[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    if (sign === OPEN_OBJECT || sign === OPEN_ARRAY) {
      keys.push(new Set());
      if (keys.length > depth) return { reason: 'too_deep', limit: depth };
    } else if (sign === CLOSE_OBJECT || sign === CLOSE_ARRAY) {
      keys.pop();
    } else if (sign === QUOTE) {
      const end = endOfString(text, at);
      if (end < 0) return { reason: 'syntax' };
      const source = text.slice(at, end + 1);
      const value = source.includes('\\') ? literal(source) : source.slice(1, -1);
      if (value === undefined) return { reason: 'syntax' };
      if (!value.isWellFormed()) return { reason: 'lone_surrogate' };
      if (isKeyPosition(text, end + 1)) {
        const seen = keys.at(-1);
        if (value === '__proto__') return { reason: 'forbidden_key', key: value };
        if (seen?.has(value)) return { reason: 'duplicate_key', key: value };
        seen?.add(value);
      }
      at = end;
    }
  }
  return undefined;
};

/**
 * Whether a parsed value nests at most `levels` deep. Never reads deeper levels, so that deep nesting cannot overflow the stack (CWE-674).
 */
export const nestsWithin = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  for (const name in value) if (!nestsWithin(Reflect.get(value, name), levels - 1)) return false;
  return true;
};

/**
 * Whether a text is what `JSON.stringify` writes for the value that `JSON.parse` read: then it hides nothing from another parser. An object
 * has each key once, so a text with a duplicate key differs from what is written. Without a backslash no surrogate is escaped, and a raw
 * lone surrogate is written as an escape. `JSON.parse` makes `__proto__` an ordinary member, so the text must not have it.
 */
const isFaithful = (text: string, value: unknown, depth: number): boolean =>
  !text.includes('\\') &&
  !text.includes('__proto__') &&
  nestsWithin(value, depth) &&
  JSON.stringify(value) === text;

/**
 * Parses untrusted JSON only with `hiddenFault`: for every text that `JSON.stringify` would write differently. Exported for the test that
 * compares both.
 */
export const parseCarefully = (text: string, depth = MAX_DEPTH): Result<unknown, JsonFault> => {
  const hidden = hiddenFault(text, depth);
  if (hidden !== undefined) return err(hidden);
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return err({ reason: 'syntax' });
  }
};

/** Parses untrusted JSON: at most 16 levels deep (or `depth`), unique keys, well-formed Unicode. The caller must bound the size of the text. */
export const parseStrictJson = (text: string, depth = MAX_DEPTH): Result<unknown, JsonFault> => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return parseCarefully(text, depth);
  }
  // Clients mostly send the output of `JSON.stringify`: comparing it takes a fraction of the time of a scan in JavaScript.
  return isFaithful(text, value, depth) ? ok(value) : parseCarefully(text, depth);
};

/** A header whose value is encoded JSON. */
export type JsonHeader = {
  readonly name: string;
  /** The longest value, in characters. */
  readonly limit: number;
  readonly encoding: 'base64' | 'base64url';
};

const ENCODINGS = {
  base64: { decode: decodeBinary, hint: 'must be standard base64 with padding' },
  base64url: { decode: decodeBinaryUrl, hint: 'must be base64url without padding' },
} as const;

/** Reads the JSON of a header, cheapest checks first. Never throws: every text yields a value or a fault. */
export const readJsonHeader = (header: JsonHeader, text: string): Result<unknown, WireFault> => {
  const refuse = (reason: WireReason, hint: string) =>
    err<WireFault>({ reason, field: header.name, hint });
  if (text.length > header.limit) {
    return refuse('too_large', `is longer than ${header.limit} characters`);
  }
  // The runtime joins repeated headers with a comma. Two proofs would let the gateway check one and act on the other.
  if (text.includes(',')) return refuse('duplicate_header', 'must be sent exactly once');
  const { decode, hint } = ENCODINGS[header.encoding];
  const binary = text === '' ? undefined : decode(text);
  if (binary === undefined) return refuse('malformed_header', hint);
  const decoded = decodeBinaryUtf8(binary);
  if (decoded === undefined) return refuse('malformed_header', 'does not hold UTF-8 text');
  const json = parseStrictJson(decoded);
  return json.ok ? ok(json.value) : err(jsonFault(header.name, json.error));
};

/** Converts a fault of the JSON text into a fault of the header that carried it. */
const jsonFault = (root: string, fault: JsonFault): WireFault => {
  const malformed = (field: string, hint: string): WireFault => ({
    reason: 'malformed_header',
    field,
    hint,
  });
  switch (fault.reason) {
    case 'syntax':
      return malformed(root, 'does not hold JSON');
    case 'too_deep':
      return malformed(root, `nests deeper than ${fault.limit} levels`);
    case 'lone_surrogate':
      return malformed(root, 'holds a lone surrogate, which is not valid Unicode text');
    case 'duplicate_key':
      return malformed(wirePath(root, [fault.key]), 'is a key that appears twice in one object');
    case 'forbidden_key':
      return malformed(wirePath(root, [fault.key]), 'is not allowed as a key');
  }
};
