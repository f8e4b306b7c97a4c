import { type CallPlace, placeOf, readArchivedCalls } from '../audit/archive/archived-calls.ts';
import type { Seconds } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { callItemOf, type CallItem, type CallRow, type ListedState } from './call-row.ts';
import { boundedLimit, cursorOf, type ListPage, type QueryFault, readCursor } from './page.ts';

/** Names the archived part of the lists of calls in cursors. */
const LIST = 'archived calls';

/** Which archived calls a list shows. */
export type ArchivedFilter = {
  readonly account?: AccountId | undefined;
  readonly tool?: string | undefined;
  readonly state?: string | undefined;
  readonly from?: Seconds | undefined;
  readonly to?: Seconds | undefined;
};

/** Before every time that a call can have. */
const NO_END: Seconds = 253_402_300_799;

/**
 * The cursor of the archived calls, which follow the last page from D1. Calls that still wait are in D1 however old they are, and precede
 * them.
 *
 * @returns undefined if no object can have a call of this list
 */
export const archivedStart = async (
  db: D1Database,
  { from = 0, to = NO_END }: ArchivedFilter,
): Promise<string | undefined> => {
  const found = await db
    .prepare('SELECT 1 AS found FROM archived_calls WHERE from_at < ?1 AND to_at >= ?2 LIMIT 1')
    .bind(to, from)
    .first('found');
  return found === null ? undefined : cursorOf(LIST, [to, '', '']);
};

/** Reads the cursor of an archived page; undefined for a page from D1. */
export const archivedPlace = (after: string | undefined): CallPlace | undefined => {
  if (after === undefined) return undefined;
  const read = readCursor(LIST, ['number', 'string', 'string'], after);
  return read.ok ? (read.value as unknown as CallPlace) : undefined;
};

/** Lists archived calls before a place, newest first. A page reads a few objects, so a filter that matches little returns short pages. */
export const listArchivedCalls = async (
  db: D1Database,
  bucket: R2Bucket,
  place: CallPlace,
  { account, tool, state, from, limit: wanted }: ArchivedFilter & { readonly limit: number },
): Promise<Result<ListPage<CallItem>, QueryFault>> => {
  const limit = boundedLimit(wanted);
  const { rows, floor } = await readArchivedCalls<CallRow>(db, bucket, place, { from, account });
  const matching = rows.filter(
    (row) =>
      (tool === undefined || row.tool === tool) &&
      (state === undefined || row.state === (state as ListedState)),
  );
  const shown = matching.slice(0, limit);
  const last = shown.at(-1);
  const rest: CallPlace | undefined = floor === undefined ? undefined : [floor, '', ''];
  const next = matching.length > limit && last !== undefined ? placeOf(last) : rest;
  return ok({
    items: shown.map(callItemOf),
    archived: true,
    ...(next === undefined ? {} : { next: cursorOf(LIST, next) }),
  });
};
