import { Help } from 'commander';
import { stripVTControlCharacters } from 'node:util';

/**
 * Removes every control sequence from text of a server or a file (CWE-150), and every invisible character: these reorder a line
 * (CVE-2021-42574), or make two names look alike. Keeps line ends and tabs.
 */
export const printable = (text: string): string =>
  stripVTControlCharacters(text).replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu,
    '',
  );

/**
 * Second defence after `printable`, for all output: keeps the colours of `Style` and removes every other control sequence. Attack: with
 * `ESC[8m` or black on black, text of a server would hide the lines below it.
 */
export const harmless = (text: string): string =>
  text.replace(
    /\u001b(?!\[(?:0|1|2|22|31|32|33|36|39)m)|[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
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

/** What `shortId` makes. */
const SHORT_ID = /^(?:eip155:[0-9]+:)?0x[0-9a-fA-F]{8}…[0-9a-fA-F]{4}$/;
const ID = /^((?:eip155:[0-9]+:)?0x[0-9a-fA-F]{8})[0-9a-fA-F]{20,}([0-9a-fA-F]{4})$/;

/** An address, account, hash or call id as every table shortens it: `0x5b36c908…b956`. Any other text as it is. */
export const shortId = (text: string): string => text.replace(ID, '$1…$2');

export type Column = {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** The place of the cut on a narrow terminal; absent: never cut. Ids in a column that is cut in the middle all take their short form. */
  readonly cut?: 'end' | 'middle';
};

const GAP = '  ';
const MIN_CELL = 8;

/**
 * Rows under their titles. Cuts the widest columns that allow it until the rows fit; if that is not enough, prints each row as
 * `title value` lines, so that no cell wraps into its neighbour.
 *
 * @param paint colours a cell after its width is measured
 */
export const table = (
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  paint: (text: string, column: number, row: number | 'title') => string = (text) => text,
): string => {
  // A line end inside a cell would forge a row (CWE-117).
  const whole = rows.map((row) =>
    columns.map((_, at) => printable(row[at] ?? '').replace(/\s*[\t\n]\s*/g, ' ')),
  );
  const isWide = sumOf(naturalWidths(columns, whole)) > width;
  const cells = isWide
    ? whole.map((row) =>
        row.map((text, at) => (columns[at]?.cut === 'middle' ? shortId(text) : text)),
      )
    : whole;
  const widths = fittingWidths(columns, cells, width);
  if (widths === undefined) {
    // Whole ids where a line has room for them.
    const fitting = whole.map((row) =>
      row.map((text) => (widthOf(text) + GAP.length > width ? shortId(text) : text)),
    );
    return records(columns, fitting, width, paint);
  }
  const line = (row: readonly string[], index: number | 'title'): string =>
    columns
      .map(({ align, cut }, at) => {
        const cellWidth = widths[at] ?? 0;
        const text = clipped(row[at] ?? '', cellWidth, cut);
        const space = ' '.repeat(Math.max(0, cellWidth - widthOf(text)));
        const painted = paint(text, at, index);
        return align === 'right' ? space + painted : painted + space;
      })
      .join(GAP)
      .trimEnd();
  return [
    line(
      columns.map(({ title }) => title),
      'title',
    ),
    ...cells.map(line),
  ].join('\n');
};

type Cells = readonly (readonly string[])[];

const naturalWidths = (columns: readonly Column[], cells: Cells): readonly number[] =>
  columns.map(({ title }, at) =>
    Math.max(widthOf(title), ...cells.map((row) => widthOf(row[at] ?? ''))),
  );

const sumOf = (widths: readonly number[]): number =>
  widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1);

/** Column widths that fit into `width` together; undefined if no cut is enough. Never cuts an id again, so that it looks alike everywhere. */
const fittingWidths = (
  columns: readonly Column[],
  cells: Cells,
  width: number,
): readonly number[] | undefined => {
  const widths = [...naturalWidths(columns, cells)];
  const total = (): number => sumOf(widths);
  const idWidths = columns.map((_, at) =>
    Math.max(0, ...cells.map((row) => (SHORT_ID.test(row[at] ?? '') ? widthOf(row[at] ?? '') : 0))),
  );
  while (total() > width) {
    const widest = columns
      .map(({ cut, title }, at) => ({
        at,
        columns: cut === undefined ? 0 : (widths[at] ?? 0),
        least: Math.max(MIN_CELL, widthOf(title), idWidths[at] ?? 0),
      }))
      .filter((each) => each.columns > each.least)
      .toSorted((a, b) => b.columns - a.columns)[0];
    if (widest === undefined) return undefined;
    widths[widest.at] = Math.max(widest.least, widest.columns - (total() - width));
  }
  return widths;
};

const records = (
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  width: number,
  paint: (text: string, column: number, row: number | 'title') => string,
): string =>
  cells
    .map((row) =>
      fields(
        columns.map(({ title }, at) => [title, row[at] === '' ? undefined : row[at]]),
        (title) => paint(title, 0, 'title'),
        width,
      ),
    )
    .join('\n\n');

/**
 * `name  value` lines. Omits undefined values. Wraps a value that is too long for its line; puts a value without spaces, e.g. a hash,
 * whole below its name, so that people can copy it.
 */
export const fields = (
  pairs: readonly (readonly [name: string, value: string | undefined])[],
  paint: (name: string) => string = (name) => name,
  width: number = Number.POSITIVE_INFINITY,
): string => {
  const shown = pairs
    .filter((pair): pair is [string, string] => pair[1] !== undefined)
    // Names may come from a server: members of a problem document.
    .map(([name, value]) => [printable(name).replace(/[\t\n]/g, ' '), value] as const);
  const label = Math.max(0, ...shown.map(([name]) => widthOf(name)));
  const indent = ' '.repeat(label + GAP.length);
  return shown
    .map(([name, value]) => {
      const text = printable(value).replaceAll('\t', ' ');
      if (!text.includes('\n') && label + GAP.length + widthOf(text) <= width)
        return `${paint(name.padEnd(label))}${GAP}${text}`;
      const margin = /^ */.exec(name)?.[0] ?? '';
      return text.includes(' ') && width > label * 2
        ? `${paint(name.padEnd(label))}${GAP}${wrapped(text, width, indent)}`
        : `${paint(name)}\n${margin}${GAP}${wrapped(text, width, margin + GAP)}`;
    })
    .map((line) => line.trimEnd())
    .join('\n');
};
