import * as z from 'zod/mini';
import type { Output } from './output.ts';
import { printable, wrapped } from './text.ts';
import { dollars } from './amounts.ts';
import { roomOf } from './print.ts';

const amount = z.string().check(z.regex(/^[0-9]{1,78}$/));
const schema = z.array(
  z.looseObject({ field: z.string(), limit: amount, tool: z.string(), price: amount }),
);

/** Limits as the options name them. */
const NAMES: Readonly<Record<string, string>> = {
  perCall: 'The limit per call',
  maxPerCall: 'The limit per call',
  maxPerWindow: 'The limit per day',
  maxTotal: 'The total',
  lifetime: 'The lifetime limit',
};

/** Limits that no paid tool fits under, as the gateway found them: a line each. What is no warning is passed over. */
export const warningLines = (out: Output, warnings: unknown): readonly string[] => {
  const read = schema.safeParse(warnings ?? []);
  if (!read.success) return [];
  return read.data.map(({ field, limit, tool, price }) =>
    wrapped(
      `${out.style.warn('warning')}  ${NAMES[field] ?? 'A limit per window'}, ${dollars(limit)} (${limit}u), is below the price of the cheapest tool that it allows: ${printable(tool)} costs ${dollars(price)}. No paid call will pass.`,
      roomOf(out),
      '         ',
    ),
  );
};
