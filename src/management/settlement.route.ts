import * as z from 'zod/mini';
import { reasonText } from '../protocol/wire-fields.ts';
import { callItem, settlement, SETTLEMENT_STATES } from './call.route.ts';
import { deadLetterSchema } from './dead-letter.route.ts';
import { entry } from './entry.route.ts';
import {
  account,
  asset,
  commandOutcome,
  count,
  datedPageOf,
  listQuery,
  oneOf,
  seconds,
  time,
  toolId,
} from './fields.ts';
import { OPERATOR, type RouteTable, SMALL_BODY } from './route.ts';

/**
 * Includes `from`, excludes `to`: times of the list's order, which is the acceptance of the call, or the end of failed or released
 * payments. `endedFrom` and `endedTo`, with state settled, failed or released: times of that end. The amounts add up to the ledger totals;
 * the amounts of settled payments, less the part that became credit, are the earnings from payments.
 */
const settlementsQuery = listQuery({
  state: z.exactOptional(oneOf(SETTLEMENT_STATES)),
  account: z.exactOptional(account),
  from: z.exactOptional(seconds),
  to: z.exactOptional(seconds),
  tool: z.exactOptional(toolId),
  asset: z.exactOptional(asset),
  endedFrom: z.exactOptional(seconds),
  endedTo: z.exactOptional(seconds),
});

const writeOffBody = z.strictObject({ reason: reasonText }, 'must be an object {reason}');

/** `charge`: the tool did its work and earns its price; otherwise the gateway returns the amount. */
const resolveBody = z.strictObject(
  { charge: z.boolean('must be true or false'), reason: reasonText },
  'must be an object {charge, reason}',
);

/** A failed or repeated attempt to settle a payment. `attempt` rises with each attempt of the payment. */
const settlementAttempt = z.strictObject({
  attempt: count,
  /** Absent if no backend was tried. */
  backend: z.exactOptional(z.string()),
  error: z.exactOptional(z.string()),
  at: time,
});

/** A payment with its call and the entries of both. `attempts`: the newest 20, newest first. `complete` is false if some entries are too far apart for one read. */
const settlementStory = z.strictObject({
  settlement,
  call: z.exactOptional(callItem),
  entries: z.array(entry),
  complete: z.exactOptional(z.boolean()),
  attempts: z.array(settlementAttempt),
  dead_letters: z.exactOptional(z.array(deadLetterSchema)),
});

export const SETTLEMENT_ROUTES = {
  'settlements.list': {
    path: 'GET /admin/settlements',
    roles: OPERATOR,
    query: settlementsQuery,
    summary: 'Lists payments and their states',
    answer: datedPageOf(settlement),
  },
  'settlements.get': {
    path: 'GET /admin/settlements/:account/:call',
    roles: OPERATOR,
    summary: 'Shows one payment, its call and their log entries',
    answer: settlementStory,
  },
  'settlements.redrive': {
    path: 'POST /admin/settlements/:account/:call/redrive',
    roles: OPERATOR,
    summary: 'Presents an open payment again',
    answer: commandOutcome,
  },
  'settlements.writeoff': {
    path: 'POST /admin/settlements/:account/:call/write-off',
    roles: OPERATOR,
    body: writeOffBody,
    maxBody: SMALL_BODY,
    summary: 'Writes off an open payment that can no longer settle',
    answer: commandOutcome,
  },
  'settlements.resolve': {
    path: 'POST /admin/settlements/:account/:call/resolve',
    roles: OPERATOR,
    body: resolveBody,
    maxBody: SMALL_BODY,
    summary: 'Charges or releases a kept amount',
    answer: commandOutcome,
  },
} as const satisfies RouteTable;
