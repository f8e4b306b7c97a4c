import { plainText } from '../core/plain-text.ts';

/** Returns text of another party as one line of at most `limit` characters, without characters that no reader sees. */
export const cleanText = (text: string, limit: number): string => {
  // Cuts first: a description may be megabytes long.
  const line = plainText(text.slice(0, limit * 4)).replace(/\s+/g, ' ');
  if (line.length <= limit) return line;
  return `${line
    .slice(0, limit - 1)
    .replace(/[\ud800-\udbff]$/, '')
    .trimEnd()}…`;
};
