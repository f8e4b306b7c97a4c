import * as z from 'zod/mini';
import { webhookSchema } from '../../protocol/webhook.ts';
import { account, count, hash, pageOf, time } from './fields.ts';

/** Where alerts go. A disabled one is taken into use again by a PUT. */
export const webhook = z.strictObject({
  id: z.string(),
  etag: hash,
  ...webhookSchema.shape,
  state: z.enum(['active', 'disabled']),
  /** `gone`: it said 410. `failing`: too many messages in a row failed for good. */
  reason: z.exactOptional(z.enum(['gone', 'failing'])),
  disabled_at: z.exactOptional(time),
  /** Messages in a row that failed for good. */
  failures: count,
  /** When it was written. */
  at: time,
});

export const webhooksPage = pageOf(webhook);

/** One attempt to deliver a message. */
export const delivery = z.strictObject({
  /** `webhook-id` as the receiver saw it. */
  message: z.string(),
  type: z.string(),
  rule: z.exactOptional(z.string()),
  account: z.exactOptional(account),
  seq: z.exactOptional(count),
  attempt: count,
  status: z.exactOptional(z.int()),
  fault: z.exactOptional(z.enum(['timeout', 'connection', 'redirect', 'address'])),
  ms: count,
  at: time,
  outcome: z.enum(['delivered', 'retry', 'failed', 'disabled']),
  retry_at: z.exactOptional(time),
});

export const deliveriesPage = pageOf(delivery);
