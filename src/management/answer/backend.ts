import * as z from 'zod/mini';
import { address, amount, count, hash, pageOf, time } from './fields.ts';

const network = z.string();

/** How each backend does, as the isolate that wrote last saw it. `open`: it is not asked now. */
export const backends = pageOf(
  z.strictObject({
    network,
    /** Host of a facilitator, or `relayer`. */
    backend: z.string(),
    state: z.enum(['closed', 'open', 'half_open']),
    succeeded: count,
    failed: count,
    last_error: z.exactOptional(z.string()),
    last_error_at: z.exactOptional(time),
    /** When this was written. */
    at: time,
  }),
);

/** A transaction that is not final. */
const flight = z.strictObject({
  nonce: count,
  hashes: z.array(hash),
  payments: count,
  max_fee_per_gas: amount,
  sent_at: time,
  block: z.exactOptional(count),
});

/** Our own keys, by network. `state` other than `ready`: nothing else is known. Wei as decimal strings. */
export const relayers = pageOf(
  z.strictObject({
    network,
    state: z.enum(['ready', 'unconfigured', 'unavailable']),
    address: z.exactOptional(address),
    balance: z.exactOptional(amount),
    balance_at: z.exactOptional(time),
    /** How many payments the balance still pays for. */
    covers: z.exactOptional(count),
    waiting: z.exactOptional(count),
    oldest_at: z.exactOptional(time),
    flights: z.exactOptional(z.array(flight)),
    totals: z.exactOptional(
      z.strictObject({
        transactions: count,
        payments: count,
        replaced: count,
        gas_used: amount,
        fees: amount,
      }),
    ),
    last_error: z.exactOptional(z.strictObject({ at: time, text: z.string() })),
  }),
);
