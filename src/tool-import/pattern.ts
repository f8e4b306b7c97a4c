/**
 * True if a text is like a pattern, in which `*` stands for any text, also with slashes. Compares in linear time, without a regular
 * expression.
 */
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
