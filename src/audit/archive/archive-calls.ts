import type { Seconds } from '../../core/clock.ts';
import { nativeSha256 } from '../../crypto/native-crypto.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { type Day, dayOf, daysAfter, startOf } from '../day.ts';
import type { ArchiveDeps } from './archive-deps.ts';
import { accountFingerprint, fingerprintSet } from './fingerprint.ts';
import { createGzipWriter } from './gzip-sections.ts';
import { putObject } from './store-object.ts';

/** Calls of an object, at most: a page of a list reads whole objects. */
const CALLS = 2_000;

type EndedRow = {
  readonly accepted_at: Seconds;
  readonly account: AccountId;
  readonly call: string;
  readonly seq: number;
  readonly payment_seq: number | null;
  readonly ended_at: Seconds | null;
  readonly payment_at: Seconds | null;
};

/**
 * Selects calls that nothing can change any more: the payment is final, no operator has to resolve an amount, and all of the call's entries
 * are in R2. Skips the few older calls that still wait.
 */
const ENDED = `
SELECT * FROM calls c
WHERE c.accepted_at < ?1 AND c.state <> 'held' AND c.payment IS NOT 'open' AND c.kept IS NOT 'held'
  AND max(c.seq, coalesce(c.payment_seq, 0)) <= (
    SELECT r.last_seq FROM archived_ranges r WHERE r.account = c.account ORDER BY r.first_seq DESC LIMIT 1)
ORDER BY c.accepted_at, c.account, c.call LIMIT ?2`;

/**
 * Moves ended calls that were accepted more than `retainDays` days ago from D1 to R2: first writes the object; then one transaction writes
 * its row and its totals, and deletes the moved rows.
 *
 * After a run that died between the two, the next one writes the same part again, perhaps with more calls: nothing named the first object
 * yet. If a refund changed a call meanwhile, the transaction does nothing.
 *
 * @returns how many calls moved; 0 if none is left
 */
export const archiveCalls = async (
  { db, bucket, retainDays }: ArchiveDeps,
  now: Seconds,
  most = CALLS,
): Promise<number> => {
  const before = startOf(daysAfter(dayOf(now), -retainDays));
  const { results } = await db.prepare(ENDED).bind(before, most).all<EndedRow>();
  const [oldest] = results;
  if (oldest === undefined) return 0;
  const day = dayOf(oldest.accepted_at);
  const rows = results.filter(({ accepted_at }) => dayOf(accepted_at) === day);
  const part = await nextPart(db, day);
  const gzip = createGzipWriter();
  gzip.add(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const body = gzip.finish();
  const sha256 = nativeSha256(body);
  const number = part.toString().padStart(4, '0');
  // Race: two concurrent runs may write the same part with different rows. Under one name, the later object would replace the one that the
  // earlier run has recorded.
  const name = `calls/day=${day}/${number}-${sha256.slice(2, 18)}.ndjson.gz`;
  await putObject(bucket, name, body, sha256);
  const keys = JSON.stringify(
    rows.map(({ accepted_at, account, call, seq, payment_seq }) => [
      ...[accepted_at, account, call, seq],
      payment_seq ?? 0,
    ]),
  );
  const accounts = fingerprintSet(rows.map(({ account }) => accountFingerprint(account)));
  const times = [oldest.accepted_at, rows.at(-1)?.accepted_at];
  const endedTo = Math.max(
    ...rows.map(({ ended_at, payment_at }) => Math.max(ended_at ?? 0, payment_at ?? 0)),
  );
  const [inserted] = await db.batch([
    db
      .prepare(INSERT_OBJECT)
      .bind(
        ...[day, part, name, sha256, body.byteLength, rows.length],
        ...[...times, accounts, now, keys, endedTo],
      ),
    db.prepare(ADD_BOOKS).bind(day, part, name, keys),
    db.prepare(DELETE_CALLS).bind(day, part, name, keys),
    db.prepare(DELETE_ATTEMPTS).bind(day, part, name, keys),
  ]);
  return (inserted?.meta.changes ?? 0) === 0 ? 0 : rows.length;
};

const nextPart = async (db: D1Database, day: Day): Promise<number> =>
  1 +
  ((await db
    .prepare('SELECT max(part) AS part FROM archived_calls WHERE day = ?1')
    .bind(day)
    .first<number | null>('part')) ?? 0);

/** The rows of the object, as they were when it was written. */
const unchangedRows = (keys: string): string => `
json_each(${keys}) k CROSS JOIN calls c
  ON c.accepted_at = k.value ->> 0 AND c.account = k.value ->> 1 AND c.call = k.value ->> 2
  AND c.seq = k.value ->> 3 AND coalesce(c.payment_seq, 0) = k.value ->> 4`;

const INSERT_OBJECT = `
INSERT INTO archived_calls (day, part, name, sha256, bytes, calls, from_at, to_at, accounts, at, ended_to)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?12 WHERE ?6 = (SELECT count(*) FROM ${unchangedRows('?11')})`;

/** The following statements do nothing if this one inserted no row. */
const IS_INSERTED =
  'EXISTS (SELECT 1 FROM archived_calls WHERE day = ?1 AND part = ?2 AND name = ?3)';

const ADD_BOOKS = `
INSERT INTO archived_books (day, asset, line, tool, payee, count, amount, others)
SELECT day, asset, line, tool, payee, count(*), sum(amount), count(DISTINCT other) FROM (
  SELECT date(c.payment_at, 'unixepoch') AS day, coalesce(c.asset, '') AS asset, c.amount,
    CASE WHEN c.payment = 'settled' THEN 'settled' WHEN c.fault = 'gateway' THEN 'write_off' WHEN c.fault = 'payer' THEN 'debt' ELSE 'released' END AS line,
    iif(c.payment = 'settled', '', coalesce(c.tool, '')) AS tool, iif(c.payment = 'settled', '', coalesce(c.payee, '')) AS payee,
    iif(EXISTS (
      SELECT 1 FROM relays r WHERE r.network = substr(c.asset, 1, instr(c.asset, '/') - 1)
        AND r.day BETWEEN date(c.accepted_at, 'unixepoch') AND date(c.payment_at, 'unixepoch') AND r.transaction_hash = c.transaction_hash
    ), NULL, c.transaction_hash) AS other
  FROM ${unchangedRows('?4')} WHERE c.payment IN ('settled', 'failed', 'released') AND ${IS_INSERTED}
) GROUP BY 1, 2, 3, 4, 5
ON CONFLICT DO UPDATE SET count = count + excluded.count, amount = amount + excluded.amount, others = others + excluded.others`;

const DELETE_CALLS = `
DELETE FROM calls WHERE ${IS_INSERTED} AND (accepted_at, account, call) IN (
  SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?4))`;

const DELETE_ATTEMPTS = `
DELETE FROM attempts WHERE ${IS_INSERTED} AND (account, call) IN (SELECT value ->> 1, value ->> 2 FROM json_each(?4))`;
