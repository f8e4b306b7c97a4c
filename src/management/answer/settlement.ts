import * as z from 'zod/mini';
import { callItem } from './call.ts';
import { entry } from './entry.ts';
import { account, count, hash, pageOf, time } from './fields.ts';
import { settlement } from './settlement-item.ts';

export const settlementsPage = pageOf(settlement);

/** A message that no consumer could deal with. `redriven_at`: when it was last sent again. */
const deadLetter = z.strictObject({
  id: z.string(),
  queue: z.string(),
  account: z.exactOptional(account),
  call: z.exactOptional(hash),
  reason: z.string(),
  at: time,
  redriven_at: z.exactOptional(time),
});

/**
 * All that is known of a payment: its call, how it ended, and the entries of both. `complete` is false where entries between are
 * archived, or too far apart to be read at once.
 */
export const settlementStory = z.strictObject({
  settlement,
  call: z.exactOptional(callItem),
  entries: z.array(entry),
  complete: z.exactOptional(z.boolean()),
  /** Messages about it that nobody could deal with. */
  dead_letters: z.exactOptional(z.array(deadLetter)),
});

export const deadLettersPage = pageOf(deadLetter);

export const redriven = z.strictObject({ id: z.string(), queue: z.string(), redriven_at: time });

/** What waits, counted up to 10,000. */
export const queueDepths = z.strictObject({
  open_settlements: count,
  /** When the oldest call was accepted whose payment is open. */
  oldest_open_at: z.exactOptional(time),
  dead_letters: count,
  oldest_dead_letter_at: z.exactOptional(time),
});
