import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { dayOf } from '../day.ts';
import { readObject } from './archive-unavailable.ts';
import { archivedEntriesOf } from './archived-entries.ts';
import { accountFingerprint } from './fingerprint.ts';
import { readGzip } from './gzip-sections.ts';

/** A row of `calls` as it left D1. Its other columns are those of the table. */
export type ArchivedCall = {
  readonly accepted_at: Seconds;
  readonly account: AccountId;
  readonly call: Hex;
};

/** The place of a call in the order of acceptance. */
export type CallPlace = readonly [acceptedAt: Seconds, account: string, call: string];

/** Objects that one page reads, at most. */
const OBJECTS = 6;

type ObjectRow = { readonly name: string; readonly from_at: Seconds; readonly to_at: Seconds };

/** Newest first. The days of objects do not overlap, the parts of one day may. */
const objectsBefore = (ofAccount: boolean): string => `
SELECT name, from_at, to_at FROM archived_calls
WHERE day <= ?1 AND day >= ?2 AND from_at <= ?3 AND to_at >= ?4 AND ended_to >= ?5${ofAccount ? ' AND instr(accounts, unhex(?6))' : ''}
ORDER BY day DESC, to_at DESC LIMIT ${OBJECTS + 1}`;

export type ArchivedPage<Row> = {
  /** Calls accepted at or after `floor`, and before the requested place, newest first. */
  readonly rows: readonly Row[];
  /** Older calls than this may follow; undefined if none does. */
  readonly floor?: Seconds;
};

/** The latest time of a list of calls: before every later one. */
const LATEST: Seconds = 253_402_300_799;

/**
 * Reads archived calls before a place, newest first: those of the next object, and of every object that overlaps it.
 *
 * @param from accepted at or after this second
 * @param endedFrom skips objects without a later end of a call or its payment
 * @throws ArchiveUnavailable
 */
export const readArchivedCalls = async <Row extends ArchivedCall>(
  db: D1Database,
  bucket: R2Bucket,
  before: CallPlace | undefined,
  {
    from = 0,
    endedFrom = 0,
    account,
  }: {
    readonly from?: Seconds | undefined;
    readonly endedFrom?: Seconds | undefined;
    readonly account?: AccountId | undefined;
  },
): Promise<ArchivedPage<Row>> => {
  // The empty account sorts before all calls of its second. Without this, reading the same object again would never end.
  const latest =
    before === undefined ? LATEST : Math.min(LATEST, before[0] - (before[1] === '' ? 1 : 0));
  const bound = [dayOf(latest), dayOf(Math.min(LATEST, from)), latest, from, endedFrom];
  const { results } = await db
    .prepare(objectsBefore(account !== undefined))
    .bind(...bound, ...(account === undefined ? [] : [accountFingerprint(account)]))
    .all<ObjectRow>();
  const [newest] = results;
  if (newest === undefined) return { rows: [] };
  const beyond = results[OBJECTS];
  const floor = Math.max(newest.from_at, from, beyond === undefined ? 0 : beyond.to_at + 1);
  const read = results.slice(0, OBJECTS).filter(({ to_at }) => to_at >= floor);
  const all = await Promise.all(read.map(({ name }) => callsIn<Row>(bucket, name)));
  const rows = all
    .flat()
    .filter(
      (row) =>
        row.accepted_at >= floor &&
        (account === undefined || row.account === account) &&
        (before === undefined || compare(placeOf(row), before) < 0),
    )
    .toSorted((a, b) => compare(placeOf(b), placeOf(a)));
  const isLast =
    floor <= from ||
    (results.length === read.length && read.every(({ from_at }) => from_at >= floor));
  return isLast ? { rows } : { rows, floor };
};

/** Finds one archived call; undefined if the archive has none with this id. @throws ArchiveUnavailable */
export const findArchivedCall = async <Row extends ArchivedCall>(
  db: D1Database,
  bucket: R2Bucket,
  account: AccountId,
  call: Hex,
): Promise<Row | undefined> => {
  const entries = await archivedEntriesOf(db, bucket, account, call);
  // A parked call is accepted later than its first entry.
  for (const at of new Set(entries.map((entry) => entry.at))) {
    const before: CallPlace = [at, '\u{ffff}', ''];
    const { rows } = await readArchivedCalls<Row>(db, bucket, before, { from: at, account });
    const found = rows.find((row) => row.call === call);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** Decompressed bytes of an object, at most: two thousand rows of all columns. */
const MAX_TEXT = 16 * 1_048_576;

/** Reads the rows of an object of calls. @throws ArchiveUnavailable */
export const callsIn = async <Row>(bucket: R2Bucket, name: string): Promise<readonly Row[]> =>
  readGzip(await readObject(bucket, name), MAX_TEXT)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);

export const placeOf = (row: ArchivedCall): CallPlace => [row.accepted_at, row.account, row.call];

const compare = (a: CallPlace, b: CallPlace): number => {
  for (const at of [0, 1, 2] as const) {
    if (a[at] < b[at]) return -1;
    if (a[at] > b[at]) return 1;
  }
  return 0;
};
