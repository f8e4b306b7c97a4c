import * as z from 'zod/mini';
import { account, amount, count, hash, pageOf, time } from './fields.ts';

const network = z.string().check(z.regex(/^eip155:[1-9][0-9]{0,15}$/));

const sum = z.strictObject({ payments: count, amount });

/** What one run has compared, block by block; both sides are equal where nothing differs. */
export const reconciliationsPage = pageOf(
  z.strictObject({
    at: time,
    network,
    /** `new`: blocks for the first time; `again`: those of the last days. */
    kind: z.enum(['new', 'again']),
    /** `partial`: the next run goes on; `stopped`: so it does, because the node gave nothing. */
    state: z.enum(['complete', 'partial', 'stopped']),
    from_block: count,
    to_block: count,
    chain: sum,
    ledger: sum,
    /** Seen in these blocks, known ones and those for information included. */
    differences: count,
  }),
);

/** What ledger and chain do not agree about, with what each says. */
export const differencesPage = pageOf(
  z.strictObject({
    network,
    kind: z.enum(['unrecorded', 'missing', 'amount', 'moved', 'unsolicited']),
    /** For information: nobody has to do anything about it. */
    informational: z.boolean(),
    /** Who pays, or has sent money without being asked. */
    account,
    call: z.exactOptional(hash),
    /** Where the chain has it; where it has not, the block in which the ledger has. */
    block: count,
    transaction: z.exactOptional(hash),
    log: z.exactOptional(count),
    /** What the chain has moved; missing where that is nothing. */
    amount: z.exactOptional(amount),
    ledger: z.strictObject({
      state: z.enum(['settled', 'failed', 'released', 'open', 'absent']),
      amount: z.exactOptional(amount),
      transaction: z.exactOptional(hash),
      block: z.exactOptional(count),
    }),
    first_at: time,
    seen_at: time,
    resolved_at: z.exactOptional(time),
  }),
);
