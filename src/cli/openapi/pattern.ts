import type { Operation } from './operation.ts';

/**
 * True if a pattern names an operation: by its id, its path, or method and path. `*` stands for any text, also with slashes. Compares in
 * linear time, without a regular expression.
 */
export const matches = (pattern: string, { id, method, path }: Operation): boolean =>
  [id, path, `${method} ${path}`].some((text) => isLike(pattern.trim(), text));

/** True if a text is like a pattern. */
export const isLike = (pattern: string, text: string): boolean => {
  const [start = '', ...parts] = pattern.split('*');
  if (parts.length === 0) return text === pattern;
  if (!text.startsWith(start)) return false;
  const end = parts.pop() ?? '';
  let at = start.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - end.length >= at && text.endsWith(end);
};
