import * as z from 'zod/mini';
import { account, count, hash, pageOf, time } from './fields.ts';

const json: z.ZodMiniType<{ readonly [key: string]: unknown }> = z.record(z.string(), z.unknown());

/** An entry of an account's log, exactly as it is hashed (wire format, section 15). */
export const entry = z.strictObject({
  v: z.literal(1),
  type: z.string(),
  seq: z.int().check(z.positive()),
  account,
  prev: hash,
  salt: z.string().check(z.regex(/^0x[0-9a-f]{32}$/)),
  at: time,
  call: z.exactOptional(hash),
  tool: z.exactOptional(z.string()),
  request: z.exactOptional(hash),
  binding: z.exactOptional(z.enum(['none', 'intent'])),
  evidence: z.exactOptional(json),
  decision: z.exactOptional(z.string()),
  rule: z.exactOptional(z.string()),
  count: z.exactOptional(count),
  policy: z.exactOptional(hash),
  amounts: z.exactOptional(z.record(z.string(), z.string())),
  outcome: z.exactOptional(json),
  payment: z.exactOptional(json),
});

export const entriesPage = pageOf(entry);
