import { err, ok, type Result } from './result.ts';

/** Why a text is not taken as JSON, and where known the key that was wrong. */
export type JsonFault =
  | { readonly reason: 'syntax' }
  | { readonly reason: 'too_deep'; readonly limit: number }
  | { readonly reason: 'duplicate_key'; readonly key: string }
  | { readonly reason: 'forbidden_key'; readonly key: string }
  | { readonly reason: 'lone_surrogate' };

const MAX_DEPTH = 16;

/** Index of the quote that ends the string literal starting at `start`, or -1. */
const endOfString = (text: string, start: number): number => {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at += 1;
    else if (code === 0x22) return at;
  }
  return -1;
};

const isKeyPosition = (text: string, after: number): boolean => {
  let at = after;
  while (/[\t\n\r ]/.test(text.charAt(at))) at += 1;
  return text.charAt(at) === ':';
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
 * What JSON.parse would hide: a key given twice (it takes the last, another reader the first, and the two act on different
 * payments), `__proto__`, nesting deep enough to overflow a recursive reader, and lone surrogates, which hash like U+FFFD.
 */
const hiddenFault = (text: string): JsonFault | undefined => {
  const keys: Set<string>[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charAt(at);
    if (sign === '{' || sign === '[') {
      keys.push(new Set());
      if (keys.length > MAX_DEPTH) return { reason: 'too_deep', limit: MAX_DEPTH };
    } else if (sign === '}' || sign === ']') {
      keys.pop();
    } else if (sign === '"') {
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

/** Reads JSON text of bounded size that a stranger sent: at most 16 levels deep, no key twice, only well-formed Unicode. */
export const parseStrictJson = (text: string): Result<unknown, JsonFault> => {
  const hidden = hiddenFault(text);
  if (hidden !== undefined) return err(hidden);
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return err({ reason: 'syntax' });
  }
};
