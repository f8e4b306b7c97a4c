import { type CallPlace, placeOf, readArchivedCalls } from '../audit/archive/archived-calls.ts';
import type { Seconds } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { callItemOf, type CallItem, type CallOutcome, type CallRow } from './call-row.ts';
import { boundedLimit, cursorOf, type ListPage, type QueryFault, readCursor } from './page.ts';

/** Names the archived part of the lists of calls in cursors. */
const LIST = 'archived calls';

/** The filter of a list of calls. */
export type CallFilter = {
  readonly account?: AccountId | undefined;
  readonly tool?: string | undefined;
  readonly state?: CallOutcome | undefined;
  readonly payee?: string | undefined;
  readonly asset?: string | undefined;
  readonly paidBy?: string | undefined;
  /** Accepted at or after this second. */
  readonly from?: Seconds | undefined;
  /** Accepted before this second. */
  readonly to?: Seconds | undefined;
  /** Ended at or after this second: the calls that the roll-up counts. */
  readonly endedFrom?: Seconds | undefined;
  /** Ended before this second. */
  readonly endedTo?: Seconds | undefined;
};

/** After every time that a call can have. */
export const NO_END: Seconds = 253_402_300_799;
/** A call ends before its acceptance only if a clock steps back: by less than this. */
const CLOCKS: Seconds = 3_600;

/**
 * The cursor of the archived calls, which follow the last page from D1. Calls that still wait are in D1 however old they are, and precede
 * them.
 *
 * @returns undefined if no object can have a call of this list
 */
export const archivedStart = async (
  db: D1Database,
  { from = 0, to = NO_END, endedFrom = 0, endedTo = NO_END }: CallFilter,
): Promise<string | undefined> => {
  const latest = Math.min(NO_END, to, endedTo + CLOCKS);
  const found = await db
    .prepare(
      'SELECT 1 AS found FROM archived_calls WHERE from_at < ?1 AND to_at >= ?2 AND ended_to >= ?3 LIMIT 1',
    )
    .bind(latest, from, endedFrom)
    .first('found');
  return found === null ? undefined : cursorOf(LIST, [latest, '', '']);
};

/** Reads the cursor of an archived page; undefined for a page from D1. */
export const archivedPlace = (after: string | undefined): CallPlace | undefined => {
  if (after === undefined) return undefined;
  const read = readCursor(LIST, ['number', 'string', 'string'], after);
  const place = read.ok ? (read.value as unknown as CallPlace) : undefined;
  // A caller may write any number into a cursor, and beyond these limits days have no name.
  return place !== undefined && place[0] >= 0 && place[0] <= NO_END ? place : undefined;
};

/** Lists archived calls before a place, newest first. A page reads a few objects, so a filter that matches little returns short pages. */
export const listArchivedCalls = async (
  db: D1Database,
  bucket: R2Bucket,
  place: CallPlace,
  filter: CallFilter & { readonly limit: number },
): Promise<Result<ListPage<CallItem>, QueryFault>> => {
  const found = await archivedRows(db, bucket, place, filter, (row) => matches(row, filter));
  return found.ok ? ok({ ...found.value, items: found.value.items.map(callItemOf) }) : found;
};

/** The rows of archived calls before a place that a list wants, newest first. */
export const archivedRows = async (
  db: D1Database,
  bucket: R2Bucket,
  place: CallPlace,
  {
    from,
    account,
    endedFrom,
    limit: wanted,
  }: Pick<CallFilter, 'from' | 'account' | 'endedFrom'> & { readonly limit: number },
  isWanted: (row: CallRow) => boolean,
): Promise<Result<ListPage<CallRow>, QueryFault>> => {
  const limit = boundedLimit(wanted);
  const within = { from, account, endedFrom };
  const { rows, floor } = await readArchivedCalls<CallRow>(db, bucket, place, within);
  const matching = rows.filter(isWanted);
  const shown = matching.slice(0, limit);
  const last = shown.at(-1);
  const rest: CallPlace | undefined = floor === undefined ? undefined : [floor, '', ''];
  const next = matching.length > limit && last !== undefined ? placeOf(last) : rest;
  return ok({
    items: shown,
    archived: true,
    ...(next === undefined ? {} : { next: cursorOf(LIST, next) }),
  });
};

const matches = (row: CallRow, filter: CallFilter): boolean => {
  const { tool, state, payee, asset, paidBy, to = NO_END, endedFrom, endedTo } = filter;
  const isEqual = (wanted: string | undefined, value: string | null): boolean =>
    wanted === undefined || value === wanted;
  return (
    row.accepted_at < to &&
    isEqual(tool, row.tool) &&
    (state === 'failed'
      ? row.state === 'released' || row.state === 'abandoned'
      : isEqual(state, row.state)) &&
    isEqual(payee, row.payee) &&
    isEqual(asset, row.asset) &&
    isEqual(paidBy, row.paid_by) &&
    ((endedFrom === undefined && endedTo === undefined) ||
      (row.ended_at !== null &&
        row.ended_at >= (endedFrom ?? 0) &&
        row.ended_at < (endedTo ?? NO_END) &&
        // A call that waited for a person and never ran is in no total.
        row.seq > row.first_seq))
  );
};
