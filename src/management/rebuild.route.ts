import * as z from 'zod/mini';
import { account, count, place, time } from './fields.ts';
import { OPERATOR, type RouteTable, SMALL_BODY } from './route.ts';

const HINT = 'must be the `run` of the answer that began the rebuild';
const run = z.string(HINT).check(z.regex(/^[0-9a-f]{32}$/, HINT));

/** Without `run`: begins a rebuild. `apply`: corrects differing rows; read only from the request that begins the rebuild. */
const rebuildBody = z.strictObject({
  run: z.exactOptional(run),
  apply: z.exactOptional(z.boolean('must be true or false')),
});

/** The columns of a row as text, without empty ones. */
const row = z.record(z.string(), z.string());

/** A row that differs. Without `stored`, the projection lacks the row; without `rebuilt`, the log does not produce it. */
const difference = z.strictObject({
  table: z.string(),
  key: z.array(z.string()),
  stored: z.exactOptional(row),
  rebuilt: z.exactOptional(row),
});

/**
 * `running`: send the next request with this `run`. `busy`: another rebuild runs, and these members describe it. `ended`: the report is
 * complete.
 */
const rebuildAnswer = z.strictObject({
  state: z.enum(['running', 'busy', 'ended']),
  run,
  began_by: account,
  began_at: time,
  /** When its last step was taken. */
  at: time,
  /** Accounts and entries that were projected. */
  accounts: count,
  entries: count,
  /** Differing rows by table, at most 100 of a table and account. */
  tables: z.array(z.strictObject({ table: z.string(), rows: count })),
  /** The first differing rows. */
  first: z.array(difference),
  /** Entries that could not be projected: neither D1 nor R2 has them, or their hash chain is broken. */
  unread: z.array(
    z.strictObject({ account, from: place, to: place, fault: z.enum(['missing', 'broken']) }),
  ),
  /** Objects of calls that R2 lacks. */
  objects: z.array(z.string()),
  /** Only of an ended rebuild. `incomplete`: it corrected nothing. */
  verdict: z.exactOptional(z.enum(['equal', 'different', 'corrected', 'incomplete'])),
});

export const REBUILD_ROUTES = {
  'audit.rebuild': {
    path: 'POST /admin/audit/rebuild',
    roles: OPERATOR,
    body: rebuildBody,
    maxBody: SMALL_BODY,
    summary:
      'Compares the projections of a paused gateway with what the log says, some steps a request',
    answer: rebuildAnswer,
  },
} as const satisfies RouteTable;
