import * as z from 'zod/mini';
import { SETTLEMENT_STATES } from '../settlement.route.ts';
import { account, amount, asset, count, hash, time } from './fields.ts';

/** A payment. `at`: when its end became known, or when its call was accepted while it is open. */
export const settlement = z.strictObject({
  account,
  call: hash,
  state: z.enum(SETTLEMENT_STATES),
  amount,
  asset: z.exactOptional(asset),
  tool: z.exactOptional(z.string()),
  /** What of it became credit. */
  credited: z.exactOptional(amount),
  transaction: z.exactOptional(hash),
  block: z.exactOptional(count),
  fault: z.exactOptional(z.string()),
  reason: z.exactOptional(z.string()),
  accepted_at: z.exactOptional(time),
  at: time,
  /** Seconds since its call was accepted, while it is open. */
  age: z.exactOptional(count),
  /** While it is open and did not settle at the first try: how often it was tried, who was asked last, and what was said. */
  attempts: z.exactOptional(count),
  backend: z.exactOptional(z.string()),
  last_error: z.exactOptional(z.string()),
  last_error_at: z.exactOptional(time),
});
