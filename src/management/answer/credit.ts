import * as z from 'zod/mini';
import { account, amount, asset, count, hash } from './fields.ts';

export const adjusted = z.strictObject({ account, asset, amount, credit: amount });

/** `known`: this transfer had been recorded before. */
export const refunded = z.strictObject({
  account,
  asset,
  amount,
  credit: amount,
  transaction: hash,
  log_index: count,
  known: z.boolean(),
});
