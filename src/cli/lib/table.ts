import { clipped, printable, widthOf, wrapped } from './text.ts';

export type Column = {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Where it may be cut when the terminal is narrow; absent: never. */
  readonly cut?: 'end' | 'middle';
};

const GAP = '  ';
const LEAST = 8;

/**
 * Rows under their titles. What does not fit is cut where columns allow it; where that is not enough, each row becomes lines of
 * `title value`, so that nothing wraps into its neighbour.
 *
 * @param paint puts colour on a cell after it has been measured
 */
export const table = (
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  paint: (text: string, column: number, row: number | 'title') => string = (text) => text,
): string => {
  // A line end in a cell would make a row of its own, which nobody has said.
  const cells = rows.map((row) =>
    columns.map((_, at) => printable(row[at] ?? '').replace(/\s*[\t\n]\s*/g, ' ')),
  );
  const widths = fitted(
    columns,
    columns.map(({ title }, at) =>
      Math.max(widthOf(title), ...cells.map((row) => widthOf(row[at] ?? ''))),
    ),
    width,
  );
  if (widths === undefined) return records(columns, cells, width, paint);
  const line = (row: readonly string[], index: number | 'title'): string =>
    columns
      .map(({ align, cut }, at) => {
        const room = widths[at] ?? 0;
        const text = clipped(row[at] ?? '', room, cut);
        const space = ' '.repeat(Math.max(0, room - widthOf(text)));
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

/** Widths that fit together, the widest column cut first; undefined where they cannot. */
const fitted = (
  columns: readonly Column[],
  natural: readonly number[],
  width: number,
): readonly number[] | undefined => {
  const widths = [...natural];
  const total = (): number =>
    widths.reduce((sum, each) => sum + each, 0) + GAP.length * (columns.length - 1);
  while (total() > width) {
    const widest = columns
      .map(({ cut, title }, at) => ({
        at,
        room: cut === undefined ? 0 : (widths[at] ?? 0),
        least: Math.max(LEAST, widthOf(title)),
      }))
      .filter(({ room, least }) => room > least)
      .toSorted((a, b) => b.room - a.room)[0];
    if (widest === undefined) return undefined;
    widths[widest.at] = Math.max(widest.least, widest.room - (total() - width));
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
 * `name  value` lines, one under the other. Values that are undefined are left out. What is too long for its line is wrapped; a
 * value without spaces, e.g. a hash, stands below its name, whole, so that it can be copied.
 */
export const fields = (
  pairs: readonly (readonly [name: string, value: string | undefined])[],
  paint: (name: string) => string = (name) => name,
  width: number = Number.POSITIVE_INFINITY,
): string => {
  const shown = pairs
    .filter((pair): pair is [string, string] => pair[1] !== undefined)
    // Names come from elsewhere, too: those of a refusal's members.
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
