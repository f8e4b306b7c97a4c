import * as z from 'zod/mini';
import { CALL_STATES } from '../call.route.ts';
import { account, address, amount, asset, hash, pageOf, time } from './fields.ts';
import { settlement } from './settlement-item.ts';

/** An accepted call, as the log tells it. */
export const callItem = z.strictObject({
  account,
  call: hash,
  state: z.enum(CALL_STATES),
  tool: z.exactOptional(z.string()),
  request: z.exactOptional(hash),
  binding: z.exactOptional(z.enum(['none', 'intent'])),
  asset: z.exactOptional(asset),
  payee: z.exactOptional(address),
  price: z.exactOptional(amount),
  paid_by: z.exactOptional(z.string()),
  charged: z.exactOptional(amount),
  success: z.exactOptional(z.boolean()),
  status: z.exactOptional(z.int()),
  digest: z.exactOptional(z.string()),
  reason: z.exactOptional(z.string()),
  policy: z.exactOptional(hash),
  accepted_at: z.exactOptional(time),
  ended_at: z.exactOptional(time),
  /** Of a silent tool that keeps the amount: until an operator has decided, and how he did. */
  kept: z.exactOptional(z.enum(['held', 'charged', 'released'])),
});

export const callsPage = pageOf(callItem);

export const callStory = z.strictObject({
  call: callItem,
  settlement: z.exactOptional(settlement),
});
