import { lasting } from '../../core/lasting.ts';
import * as z from 'zod/mini';
import { fieldWords } from '../../policy/field-words.ts';
import { GRANT_LIMITS } from '../../policy/grant.ts';
import type { Names } from './accounts.ts';
import type { Output } from './output.ts';
import { type Column, counted, printable, table, wrapped } from './text.ts';
import { dollars, isoTime } from './units.ts';

/** A table with dim titles; `paint` colours its rows. */
export const listed = (
  { width, style }: Output,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: (text: string, column: number, row: number) => string = (text) => text,
): string =>
  table(columns, rows, width, (text, column, row) =>
    row === 'title' ? style.dim(text) : paint(text, column, row),
  );

/** The age of a list, which contains everything before that time. Prints nothing if the gateway does not know the age. */
export const asOfLine = (out: Output, asOf: number | undefined, now: number): string =>
  out.style.dim(
    sentence(
      out,
      asOf === undefined
        ? 'The gateway does not know how old this list is.'
        : `Complete up to ${isoTime(asOf)}${now - asOf < 1 ? '' : `, ${lasting(now - asOf)} ago`}.`,
    ),
  );

/** Columns for prose: at most 100, which people can read. */
export const proseWidth = ({ width }: Output): number => Math.min(width, 100);

/** A sentence, wrapped to the terminal. */
export const sentence = (out: Output, text: string): string => wrapped(text, proseWidth(out));

/** The outcome of a command: `done`, or `same` if nothing changed. */
export const changedText = (out: Output, changed: boolean, what: string): string =>
  wrapped(
    changed
      ? `${out.style.good('done')}  ${what}`
      : `${out.style.dim('same')}  ${what}; nothing changed`,
    proseWidth(out),
    '      ',
  );

export const paintStatus = ({ style }: Output, status: string): string => {
  if (status === 'active') return style.good(status);
  return status === 'paused' ? style.warn(status) : style.bad(status);
};

/** Descendants that acknowledged a command, and those that stop when their lease expires. */
export type Acknowledgements = {
  readonly acknowledged: readonly string[];
  readonly silent: readonly string[];
};

export const acknowledgementLines = (
  out: Output,
  { acknowledged, silent }: Acknowledgements,
  names: Names,
): readonly string[] => {
  const list = (accounts: readonly string[]): string =>
    accounts.map((each) => names.of(each)).join(', ');
  return [
    ...(acknowledged.length === 0
      ? []
      : [`${counted(acknowledged.length, 'descendant')} acknowledged it: ${list(acknowledged)}`]),
    ...(silent.length === 0
      ? []
      : [
          out.style.warn(
            `${counted(silent.length, 'descendant')} did not answer; each stops within 60 s, when its lease expires: ${list(silent)}`,
          ),
        ]),
  ].map((line) => wrapped(line, proseWidth(out), '  '));
};

const amount = z.string().check(z.regex(/^[0-9]{1,78}$/));
const warningsSchema = z.array(
  z.looseObject({
    field: z.string(),
    limit: amount,
    tool: z.string(),
    price: amount,
    asset: z.optional(z.string()),
  }),
);

/** `perCall`, `windows[0].limit`, or the field of a grant that sets the same limit. */
const limitName = (field: string): string => {
  const [name] = field.split('[');
  const limit = (['perCall', 'lifetime'] as const).find(
    (each) => each === name || GRANT_LIMITS[each] === name,
  );
  return limit === undefined ? 'A limit per window' : `The limit ${fieldWords[limit].label}`;
};

/** The gateway's warnings about limits below the price of every paid tool of an asset. Ignores warnings of another form. */
export const limitWarnings = (out: Output, warnings: unknown): readonly string[] => {
  const read = warningsSchema.safeParse(warnings ?? []);
  if (!read.success) return [];
  return read.data.map(({ field, limit, tool, price, asset }) =>
    wrapped(
      `${out.style.warn('warning')}  ${limitName(field)}, ${dollars(limit)} (${limit}u), is below the price of the cheapest tool that it allows: ${printable(tool)} costs ${dollars(price)}. No call paid by ${asset === undefined ? 'a token' : 'a card'} will pass.`,
      proseWidth(out),
      '         ',
    ),
  );
};
