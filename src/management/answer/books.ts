import * as z from 'zod/mini';
import { amount, count, day } from './fields.ts';

export const BOOK_LINES = [
  'revenue',
  'settled',
  'write_off',
  'debt',
  'released',
  'fees',
  'gas',
  'credit_topped_up',
  'credit_returned',
  'credit_late',
  'credit_given',
  'credit_taken',
  'credit_refunded',
  'credit_lent',
  'credit_spent',
  'credit_liability',
] as const;

/** One line of the books. `asset` is a token (CAIP-19), or of `gas` the chain's own coin: sums of two assets are never added. */
export const bookLine = z.strictObject({
  day,
  asset: z.string(),
  line: z.enum(BOOK_LINES),
  tool: z.exactOptional(z.string()),
  payee: z.exactOptional(z.string()),
  count: z.exactOptional(count),
  amount,
});

export const books = z.strictObject({
  from: day,
  to: day,
  items: z.array(bookLine),
  next: z.exactOptional(z.string()),
});
