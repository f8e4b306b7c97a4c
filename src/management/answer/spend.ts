import * as z from 'zod/mini';
import { amount, asset, count, day } from './fields.ts';

/** `key` is a tool's id, a payee, a day or an account, as was asked for. */
export const spendReport = z.strictObject({
  from: day,
  to: day,
  items: z.array(
    z.strictObject({
      key: z.string(),
      asset: z.exactOptional(asset),
      calls: count,
      charged: amount,
      denied: count,
      failed: count,
    }),
  ),
  next: z.exactOptional(z.string()),
});
