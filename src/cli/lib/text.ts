import { stripVTControlCharacters } from 'node:util';
import { Help } from 'commander';

/** Removes everything that could steer a terminal from text of a server or a file (CWE-150). */
export const printable = (text: string): string =>
  stripVTControlCharacters(text).replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    '',
  );

/** Second net behind `printable`, over all output: keeps colours, removes every other control sequence. */
export const harmless = (text: string): string =>
  text.replace(
    /\u001b(?!\[[0-9;]*m)|[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    '',
  );

/** Columns that a text takes, without its colours. */
export const widthOf = (text: string): number => [...stripVTControlCharacters(text)].length;

/** Cuts a text to at most `width` columns: at the end, or in the middle if both ends identify it, e.g. of an address. */
export const clipped = (text: string, width: number, cut: 'end' | 'middle' = 'end'): string => {
  const characters = [...text];
  if (characters.length <= width) return text;
  if (width <= 1) return '…'.slice(0, width);
  if (cut === 'end') return `${characters.slice(0, width - 1).join('')}…`;
  const tail = Math.floor((width - 1) / 2);
  return `${characters.slice(0, width - 1 - tail).join('')}…${characters.slice(characters.length - tail).join('')}`;
};

const help = new Help();
help.minWidthToWrap = 1;

/**
 * Wraps at spaces and indents all lines but the first, which the caller indented. A word longer than a line stays whole, so that
 * people can copy it.
 */
export const wrapped = (text: string, width: number, indent = ''): string =>
  help.boxWrap(text, Math.max(1, width - indent.length)).replaceAll('\n', `\n${indent}`);

/** `1 thing` or `2 things`. */
export const counted = (count: number, thing: string): string =>
  `${count} ${thing}${count === 1 ? '' : 's'}`;

/** A rounded duration: `45 s`, `12 min`, `3 h`, `5 days`. */
export const lasting = (seconds: number): string => {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
};
