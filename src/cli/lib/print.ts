import type { Output } from './output.ts';
import { type Column, table } from './table.ts';
import { counted, wrapped } from './text.ts';
import type { Names } from './account-names.ts';

/** A table whose titles are dim; `paint` is for its rows. */
export const listed = (
  { width, style }: Output,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: (text: string, column: number, row: number) => string = (text) => text,
): string =>
  table(columns, rows, width, (text, column, row) =>
    row === 'title' ? style.dim(text) : paint(text, column, row),
  );

/** As wide as people read, or as the terminal is. */
export const roomOf = ({ width }: Output): number => Math.min(width, 100);

/** Accounts below that have heard of an order, and those that stop when their lease ends. */
export type Heard = {
  readonly acknowledged: readonly string[];
  readonly silent: readonly string[];
};

/** Who has heard of an order, and who has not: a line each, where there is anybody. */
export const heard = (
  out: Output,
  { acknowledged, silent }: Heard,
  names: Names,
): readonly string[] => {
  const list = (accounts: readonly string[]): string =>
    accounts.map((each) => names.of(each)).join(', ');
  return [
    ...(acknowledged.length === 0
      ? []
      : [`${counted(acknowledged.length, 'account')} below acknowledged: ${list(acknowledged)}`]),
    ...(silent.length === 0
      ? []
      : [
          out.style.warn(
            `${counted(silent.length, 'account')} silent, stopping within 60 s: ${list(silent)}`,
          ),
        ]),
  ].map((line) => wrapped(line, roomOf(out), '  '));
};

/** A short word for whether something changed, in front of what. */
export const changedText = (out: Output, changed: boolean, what: string): string =>
  wrapped(
    changed
      ? `${out.style.good('done')}  ${what}`
      : `${out.style.dim('same')}  ${what}; nothing changed`,
    roomOf(out),
    '      ',
  );

/** A sentence, broken where the terminal ends. */
export const sentence = (out: Output, text: string): string => wrapped(text, roomOf(out));
