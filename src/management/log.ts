import { logOrigin } from '../audit/log/log-key.ts';
import { parseLeaf } from '../audit/log/leaf.ts';
import type { Seconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { encodeBase64 } from '../crypto/bytes.ts';
import {
  type AuditLogRpc,
  FIRST_YEAR,
  type LeafPage,
  type LeafRange,
  type LogLeaf,
} from '../protocol/audit-log-contract.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { AdminContext, Handler, Handlers } from './handler.ts';
import type { LOG_ROUTES } from './log.route.ts';
import { cursorOf, readCursor } from './page.ts';
import { queryReason, refuse, replyReport } from './reply.ts';

type Query = {
  readonly after?: string;
  readonly limit: number;
  readonly year?: number;
  readonly size?: number;
  readonly from: number;
};

/** Where a page begins. All pages of a list belong to one tree, so that one checkpoint proves them all. */
type Place = { readonly year: number; readonly size: number | undefined; readonly from: number };

const SHAPE = ['number', 'number', 'number'] as const;

const placeOf = (query: Query, current: number): Result<Place, Reason> => {
  const cursor = readCursor('leaves', SHAPE, query.after);
  if (!cursor.ok) return err(queryReason(cursor.error));
  const [year, size, from] = (cursor.value ?? []) as readonly number[];
  const place =
    year === undefined || from === undefined
      ? { year: query.year ?? current, size: query.size, from: query.from }
      : { year, size, from };
  // Never open an object for a year that cannot have a log.
  return place.year >= FIRST_YEAR && place.year <= current
    ? ok(place)
    : err(wrong('query.year', `must be a year from ${FIRST_YEAR} to now`));
};

const wrong = (field: string, hint: string): Reason => ({
  reason: 'malformed_request',
  field,
  hint,
});

type Read<L extends LogLeaf> = (
  log: Pick<AuditLogRpc, 'leaves' | 'leavesOf'>,
  from: number,
  range: LeafRange,
) => Promise<LeafPage<L> | undefined>;

/** Answers a page of leaves. `nextOf`: where the page after one that ends with this leaf begins. */
const page = async <L extends LogLeaf>(
  { context, query, request, now }: LeafRequest,
  read: Read<L>,
  itemOf: (leaf: L) => object,
  nextOf: (leaf: L) => number,
): Promise<Result<Response, Reason>> => {
  const current = logOrigin(context.config.audiences[0], now);
  const placed = placeOf(query, Number(current.slice(-4)));
  if (!placed.ok) return placed;
  const { year, size, from } = placed.value;
  const origin = `${current.slice(0, -4)}${year}`;
  const log = context.log?.(origin);
  if (log === undefined) return refuse({ reason: 'not_found' });
  const range = { most: query.limit, ...(size === undefined ? {} : { size }) };
  let found: LeafPage<L> | undefined;
  try {
    found = await read(log, from, range);
  } catch (cause) {
    console.error({ event: 'log_unread', origin, cause: String(cause) });
    return refuse({ reason: 'storage_unavailable' });
  }
  if (found === undefined) {
    return refuse(wrong('query.size', 'must be a size that the log has signed'));
  }
  const { leaves, checkpoint, head } = found;
  const last = leaves.at(-1);
  const next =
    last === undefined || leaves.length < query.limit
      ? undefined
      : cursorOf('leaves', [year, found.size, nextOf(last)]);
  const tree = {
    ...{ origin, size: found.size, items: leaves.map(itemOf) },
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(head === undefined ? {} : { head }),
  };
  return replyReport(request, tree, next);
};

type LeafRequest = {
  readonly context: AdminContext;
  readonly query: Query;
  readonly request: Request;
  readonly now: Seconds;
};

/** Lists all leaves in the order of the log: an operator's export recomputes the root from them. */
const all: Handler<'log.leaves'> = async (asked) =>
  page(
    asked,
    async (log, from, range) => log.leaves(from, range),
    ({ index, text }) => ({ index, leaf: text }),
    ({ index }) => index + 1,
  );

/** Lists the leaves of one account, each with its proof: an owner may not see those of others. */
const own: Handler<'account.leaves'> = async (asked) =>
  page(
    asked,
    async (log, from, range) => log.leavesOf(asked.params.account, from, range),
    ({ index, text, proof }) => ({ index, leaf: text, proof: proof.map(encodeBase64) }),
    ({ text }) => (parseLeaf(text)?.last.seq ?? 0) + 1,
  );

export const logHandlers: Handlers<keyof typeof LOG_ROUTES> = {
  'log.leaves': all,
  'account.leaves': own,
};
