import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Entry } from '../../protocol/entry.ts';
import { MAX_CHUNK_TEXT } from '../chunk.ts';
import { loadRun, type StoredRun } from '../stored-chain.ts';
import { readObject } from './archive-unavailable.ts';
import { callFingerprint } from './fingerprint.ts';
import { readSection } from './gzip-sections.ts';

type RangeRow = {
  readonly last_seq: number;
  readonly offset: number;
  readonly length: number;
  readonly name: string;
};

const RANGE = `
SELECT r.last_seq, r.offset, r.length, o.name
FROM archived_ranges r CROSS JOIN archive_objects o ON o.day = r.day AND o.part = r.part
WHERE r.account = ?1`;

/**
 * Reads entries from `from` to `to` from D1, or from R2 if D1 has forgotten the first of them: at most the entries of one range.
 *
 * @param bucket absent: only what D1 has
 * @throws ArchiveUnavailable
 */
export const loadWholeRun = async (
  db: D1Database,
  account: AccountId,
  from: number,
  to: number,
  bucket: R2Bucket | undefined,
): Promise<StoredRun> => {
  const run = await loadRun(db, account, from, to);
  if (bucket === undefined || run.entries[0]?.seq === from) return run;
  const range = await db
    .prepare(`${RANGE} AND r.first_seq <= ?2 ORDER BY r.first_seq DESC LIMIT 1`)
    .bind(account, from)
    .first<RangeRow>();
  if (range === null || range.last_seq < from) return run;
  const entries = await entriesIn(bucket, range);
  const last = Math.min(range.last_seq, to);
  return {
    entries: entries.filter(({ seq }) => seq >= from && seq <= to),
    ...{ last, more: last < to, archived: true },
  };
};

/** Ranges that one search for a call reads, at most: a fingerprint of four bytes matches others as well. */
const RANGES = 8;

/** The archived entries of one call, oldest first. @throws ArchiveUnavailable */
export const archivedEntriesOf = async (
  db: D1Database,
  bucket: R2Bucket,
  account: AccountId,
  call: Hex,
): Promise<readonly Entry[]> => {
  const { results } = await db
    .prepare(`${RANGE} AND instr(r.calls, unhex(?2)) ORDER BY r.first_seq LIMIT ${RANGES}`)
    .bind(account, callFingerprint(call))
    .all<RangeRow>();
  const found = await Promise.all(results.map((range) => entriesIn(bucket, range)));
  return found.flat().filter((entry) => entry.call === call);
};

const entriesIn = async (
  bucket: R2Bucket,
  { name, offset, length }: RangeRow,
): Promise<readonly Entry[]> => {
  const section = await readObject(bucket, name, { offset, length });
  return readSection(section, MAX_CHUNK_TEXT)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry);
};
