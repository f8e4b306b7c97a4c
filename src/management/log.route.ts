import * as z from 'zod/mini';
import { count, cursor, limit, seconds, seq } from './fields.ts';
import { OPERATOR, READERS, type RouteTable } from './route.ts';

/** The year of the log, UTC. Absent: the current one. */
const year = z.exactOptional(seconds);
/** The tree with this many leaves. Absent: the newest signed one. */
const size = z.exactOptional(seq);

const pages = { after: z.exactOptional(cursor), limit, year, size };
const leavesQuery = z.strictObject({ ...pages, from: z.prefault(seq, '0') });

const base64 = z.string().check(z.regex(/^[A-Za-z0-9+/]{43}=$/));

/** A leaf of the transparency log (docs/audit-log.md). */
const leaf = z.strictObject({ index: count, leaf: z.string() });
/** `proof`: the hashes from the leaf upwards to the root of the checkpoint. */
const provenLeaf = z.extend(leaf, { proof: z.array(base64) });

/**
 * Proves the newest leaf of the account (docs/audit-format.md, "Heads"); absent for an old tree, and for one without a signed checkpoint.
 */
const head = z.strictObject({
  frame: z.array(provenLeaf),
  slot: z.exactOptional(z.string()),
  path: z.exactOptional(z.array(base64)),
});

/** `checkpoint`: of the tree with `size` leaves; absent if the log has signed none, or has signed a larger tree since. */
const leavesOf = <T extends z.ZodMiniType>(item: T) =>
  z.strictObject({
    origin: z.string(),
    size: count,
    checkpoint: z.exactOptional(z.string()),
    items: z.array(item),
    next: z.exactOptional(z.string()),
  });

export const LOG_ROUTES = {
  'log.leaves': {
    path: 'GET /admin/log/leaves',
    roles: OPERATOR,
    query: leavesQuery,
    summary: 'Lists the leaves of the transparency log in its order, from index `from`',
    answer: leavesOf(leaf),
  },
  'account.leaves': {
    path: 'GET /accounts/:account/leaves',
    roles: READERS,
    query: leavesQuery,
    summary: 'Lists the leaves of an account with their proofs, from the one of entry `from`',
    answer: z.extend(leavesOf(provenLeaf), { head: z.exactOptional(head) }),
  },
} as const satisfies RouteTable;
