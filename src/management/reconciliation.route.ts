import * as z from 'zod/mini';
import {
  account,
  amount,
  count,
  hash,
  listQuery,
  network,
  networkId,
  oneOf,
  pageOf,
  time,
} from './fields.ts';
import { OPERATOR, type RouteTable } from './route.ts';

export const DIFFERENCE_STATES = ['open', 'resolved', 'all'] as const;

const reconciliationsQuery = listQuery({ network: z.exactOptional(network) });

const differencesQuery = listQuery({
  state: z.exactOptional(oneOf(DIFFERENCE_STATES)),
  network: z.exactOptional(network),
});

const sum = z.strictObject({ payments: count, amount });

/** One run that compared ledger and chain, block by block. If nothing differs, both sums are equal. */
const reconciliationsPage = pageOf(
  z.strictObject({
    at: time,
    network: networkId,
    /** `new`: blocks compared for the first time; `again`: blocks of the last days. */
    kind: z.enum(['new', 'again']),
    /** `partial`: the next run continues; `stopped`: it continues because the node did not answer. */
    state: z.enum(['complete', 'partial', 'stopped']),
    from_block: count,
    to_block: count,
    chain: sum,
    ledger: sum,
    /** Differences in these blocks, known and informational ones included. */
    differences: count,
  }),
);

/** A payment on which ledger and chain differ, with both sides. */
const differencesPage = pageOf(
  z.strictObject({
    network: networkId,
    kind: z.enum(['unrecorded', 'missing', 'amount', 'moved', 'unsolicited']),
    /** No action needed. */
    informational: z.boolean(),
    /** The payer, or the sender of an unsolicited transfer. */
    account,
    call: z.exactOptional(hash),
    /** The block on the chain; if the chain has none, the ledger's. */
    block: count,
    transaction: z.exactOptional(hash),
    log: z.exactOptional(count),
    /** The amount that the chain moved; absent if none. */
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

export const RECONCILIATION_ROUTES = {
  'reconciliations.list': {
    path: 'GET /admin/reconciliations',
    roles: OPERATOR,
    query: reconciliationsQuery,
    summary: 'Lists the runs that compared ledger and chain',
    answer: reconciliationsPage,
  },
  'differences.list': {
    path: 'GET /admin/differences',
    roles: OPERATOR,
    query: differencesQuery,
    summary: 'Lists payments on which ledger and chain differ',
    answer: differencesPage,
  },
} as const satisfies RouteTable;
