export type Cell = string | number | bigint | boolean | undefined | null;

/**
 * Starts of a cell that spreadsheets run as a formula, with the rights of the reader (CWE-1236). Some locales fold the full-width forms to
 * the ASCII ones.
 */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
/** A decimal number is not a formula: `-0.02` stays a number that the reader can add up. */
const NUMBER = /^-?[0-9]+(?:\.[0-9]+)?$/;
const QUOTED = /[",\r\n]/;

const cellText = (cell: Cell): string => {
  if (cell === undefined || cell === null) return '';
  if (typeof cell !== 'string') return cell.toString();
  // A leading apostrophe makes a spreadsheet treat a stranger's text as text.
  const safe = FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
  return QUOTED.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** One line of CSV (RFC 4180). */
export const csvLine = (cells: readonly Cell[]): string => `${cells.map(cellText).join(',')}\r\n`;
