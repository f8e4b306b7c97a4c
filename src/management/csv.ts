/** A cell: text of anybody's, or a number of ours. */
export type Cell = string | number | bigint | boolean | undefined | null;

/**
 * How a cell must not begin: spreadsheets take it for a formula and run it, with the rights of whoever opens the file (CWE-1236). The
 * full-width forms count too where the system's locale folds them.
 */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const QUOTED = /[",\r\n]/;

const written = (cell: Cell): string => {
  if (cell === undefined || cell === null) return '';
  if (typeof cell !== 'string') return cell.toString();
  // Text that a stranger chose. An apostrophe makes it text for a spreadsheet as well.
  const safe = FORMULA.test(cell) ? `'${cell}` : cell;
  return QUOTED.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** One line of CSV (RFC 4180). */
export const csvLine = (cells: readonly Cell[]): string => `${cells.map(written).join(',')}\r\n`;
