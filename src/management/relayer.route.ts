import * as z from 'zod/mini';
import { address, amount, count, hash, pageOf, time } from './fields.ts';
import { OPERATOR, type RouteTable } from './route.ts';

/** A transaction that is not final. */
const flight = z.strictObject({
  nonce: count,
  hashes: z.array(hash),
  payments: count,
  max_fee_per_gas: amount,
  sent_at: time,
  block: z.exactOptional(count),
});

/** The keys of each network. With a `state` other than `ready`, the other members are absent. Wei as decimal strings. */
const relayers = pageOf(
  z.strictObject({
    network: z.string(),
    state: z.enum(['ready', 'unconfigured', 'unavailable']),
    address,
    balance: z.exactOptional(amount),
    balance_at: z.exactOptional(time),
    /** The number of payments that the balance still pays for. */
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

export const RELAYER_ROUTES = {
  relayers: {
    path: 'GET /admin/relayers',
    roles: OPERATOR,
    summary: "Lists the relayer's keys, their gas and their pending payments",
    answer: relayers,
  },
} as const satisfies RouteTable;
