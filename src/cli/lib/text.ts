import { stripVTControlCharacters } from 'node:util';

/** Text from elsewhere, safe to show: a server or a file must not steer the terminal of whoever reads it. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text).replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    '',
  );

/** A whole text that is about to be shown: colours stay, whatever else would steer the terminal goes. The last net, behind `printable`. */
export const harmless = (text: string): string =>
  text.replace(
    /\u001b(?!\[[0-9;]*m)|[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    '',
  );

/** How many columns a text takes, colours not counted. */
export const widthOf = (text: string): number => [...stripVTControlCharacters(text)].length;

/** A text in at most `width` columns; what is cut is at the end, or in the middle of what is told apart by both ends. */
export const clipped = (text: string, width: number, cut: 'end' | 'middle' = 'end'): string => {
  const letters = [...text];
  if (letters.length <= width) return text;
  if (width <= 1) return '…'.slice(0, width);
  if (cut === 'end') return `${letters.slice(0, width - 1).join('')}…`;
  const tail = Math.floor((width - 1) / 2);
  return `${letters.slice(0, width - 1 - tail).join('')}…${letters.slice(letters.length - tail).join('')}`;
};

/**
 * Breaks at spaces; a word that is longer than a line stays whole, so that it can be copied. What comes after the first line begins
 * with the indent, which the first line is taken to have, too.
 */
export const wrapped = (text: string, width: number, indent = ''): string =>
  text
    .split('\n')
    .map((paragraph) => {
      const lines: string[] = [];
      let line = '';
      for (const word of paragraph.split(' ')) {
        const longer = line === '' ? word : `${line} ${word}`;
        if (line !== '' && widthOf(longer) > width - indent.length) {
          lines.push(line);
          line = word;
        } else line = longer;
      }
      return [...lines, line].join(`\n${indent}`);
    })
    .join(`\n${indent}`);

/** `n thing` or `n things`. */
export const counted = (count: number, thing: string): string =>
  `${count} ${thing}${count === 1 ? '' : 's'}`;

/** Seconds as people say them: `45 s`, `12 min`, `3 h`, `5 days`. */
export const lasting = (seconds: number): string => {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
};
