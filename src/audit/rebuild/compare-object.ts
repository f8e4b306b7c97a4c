import type { Seconds } from '../../core/clock.ts';
import { ArchivedObjectMissing } from '../archive/archive-unavailable.ts';
import { type ArchivedCall, callsIn } from '../archive/archived-calls.ts';
import { type ProjectedRow, record, type RowDifference } from './compare-rows.ts';
import { type RebuildState, takeStep } from './rebuild-state.ts';

type CallObject = { readonly day: string; readonly part: number; readonly name: string };
type CallRow = ArchivedCall &
  ProjectedRow & { readonly seq: number; readonly payment_seq: number | null };

/** The name of differences that no rebuild corrects: an object in R2 is never written again. */
export const ARCHIVED = 'archived_calls';

const NEXT = `
SELECT o.day, o.part, o.name FROM archived_calls o
WHERE NOT EXISTS (SELECT 1 FROM rebuild_objects d WHERE d.day = o.day AND d.part = o.part)
ORDER BY o.day, o.part LIMIT 1`;

/** The next object of calls in R2 that was not compared; undefined if none is left. */
export const nextObject = async (db: D1Database): Promise<CallObject | undefined> =>
  (await db.prepare(NEXT).first<CallObject>()) ?? undefined;

/**
 * Compares the calls of an object in R2 with the rebuilt ones, and deletes the rebuilt ones from the copy, as the archive deleted them from
 * `calls`.
 *
 * @throws ArchiveUnavailable if R2 does not answer
 */
export const compareObject = async (
  db: D1Database,
  bucket: R2Bucket | undefined,
  state: RebuildState,
  { day, part, name }: CallObject,
  now: Seconds,
): Promise<void> => {
  const rows = await rowsOf(bucket, name);
  const keys = JSON.stringify((rows ?? []).map((row) => [row.accepted_at, row.account, row.call]));
  const { results } = await db.prepare(REBUILT).bind(keys).all<CallRow>();
  const rebuilt = new Map(results.map((row) => [row.call + row.account, row]));
  const { results: faults } = await db
    .prepare('SELECT account FROM rebuild_heads WHERE fault IS NOT NULL')
    .all<{ readonly account: string }>();
  const unread = new Set(faults.map(({ account }) => account));
  const differences = (rows ?? []).flatMap((row): RowDifference[] => {
    const again = rebuilt.get(row.call + row.account);
    if (unread.has(row.account) || (again !== undefined && isEqual(row, again))) return [];
    const place = [row.accepted_at, row.account, row.call];
    return [{ name: ARCHIVED, place, stored: row, rebuilt: again }];
  });
  await db.batch([
    takeStep(db, state, state, now),
    db
      .prepare('INSERT INTO rebuild_objects (day, part, missing) VALUES (?1, ?2, ?3)')
      .bind(day, part, rows === undefined ? 1 : 0),
    ...record(db, differences),
    db.prepare(REMOVE).bind(keys),
  ]);
};

const rowsOf = async (
  bucket: R2Bucket | undefined,
  name: string,
): Promise<readonly CallRow[] | undefined> => {
  if (bucket === undefined) return undefined;
  try {
    return await callsIn<CallRow>(bucket, name);
  } catch (thrown) {
    if (thrown instanceof ArchivedObjectMissing) return undefined;
    throw thrown;
  }
};

/** An entry that was stored after the call had left D1 changed no row, so the object does not show it. */
const isEqual = (row: CallRow, again: CallRow): boolean =>
  lastSeq(again) > lastSeq(row) ||
  Object.entries(again).every(([column, value]) => (row[column] ?? null) === value);

const lastSeq = ({ seq, payment_seq: paymentSeq }: CallRow): number =>
  Math.max(seq, paymentSeq ?? 0);

const REBUILT = `
SELECT c.* FROM json_each(?1) k CROSS JOIN rebuild_calls c
  ON c.accepted_at = k.value ->> 0 AND c.account = k.value ->> 1 AND c.call = k.value ->> 2`;

const REMOVE = `
DELETE FROM rebuild_calls WHERE (accepted_at, account, call) IN (
  SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1))`;
