import * as z from 'zod/mini';
import {
  account,
  count,
  datedPageOf,
  entryType,
  hash,
  listQuery,
  oneOf,
  place,
  ruleName,
  salt,
  seconds,
  seq,
  time,
  toolId,
} from './fields.ts';
import { READERS, type RouteTable } from './route.ts';

export const ENTRY_FORMATS = ['json', 'ndjson'] as const;

/** Includes `from`, excludes `to`: times of the entries, or for a denial the time of the decision. The filters are for JSON only. */
const entriesQuery = listQuery({
  type: z.exactOptional(entryType),
  tool: z.exactOptional(toolId),
  rule: z.exactOptional(ruleName),
  from: z.exactOptional(seconds),
  to: z.exactOptional(seconds),
  format: z.exactOptional(oneOf(ENTRY_FORMATS)),
});

/**
 * The sequence number after which the feed begins, unless the header `Last-Event-ID` names one. `newest`: it begins with so many of the newest
 * entries. Without either: new entries only.
 */
const eventsQuery = z.strictObject({
  after: z.exactOptional(seq),
  newest: z.exactOptional(seq),
});

const json: z.ZodMiniType<{ readonly [key: string]: unknown }> = z.record(z.string(), z.unknown());

/** An entry of an account's log, exactly as it is hashed (docs/wire-format.md §15). */
export const entry = z.strictObject({
  v: z.literal(1),
  type: z.string(),
  seq: place,
  account,
  prev: hash,
  salt,
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

export const ENTRY_ROUTES = {
  'account.entries': {
    path: 'GET /accounts/:account/entries',
    roles: READERS,
    query: entriesQuery,
    summary: 'Lists the log entries of an account',
    answer: datedPageOf(entry),
    formats: ENTRY_FORMATS,
  },
  'account.text': {
    path: 'GET /accounts/:account/texts/:text',
    roles: READERS,
    summary:
      'Shows the terms of a tool or the default policy that entries of an account name by hash',
    answer: z.strictObject({ hash, text: json }),
  },
  'account.events': {
    path: 'GET /accounts/:account/events',
    roles: READERS,
    query: eventsQuery,
    summary: 'Streams the log of an account as it grows',
    answer: entry,
    stream: true,
  },
} as const satisfies RouteTable;
