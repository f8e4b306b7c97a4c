import * as z from 'zod/mini';
import { asset, day, page } from './fields.ts';

export const SPEND_KEYS = ['tool', 'payee', 'day', 'account'] as const;

/** Days of UTC, both included. Absent: the 30 days up to today. */
export const spendQuery = z.strictObject({
  ...page,
  from: z.exactOptional(day),
  to: z.exactOptional(day),
  by: z.enum(SPEND_KEYS, `must be one of ${SPEND_KEYS.join(', ')}`),
  asset: z.exactOptional(asset),
});
