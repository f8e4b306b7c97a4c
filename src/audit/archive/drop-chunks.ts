import type { Seconds } from '../../core/clock.ts';
import { dayOf, daysAfter, startOf } from '../day.ts';
import type { ArchiveDeps, WrittenObject } from './archive-deps.ts';
import type { Progress } from './progress.ts';
import { isStored } from './store-object.ts';
import { type ChunkRow, walkChunks } from './stored-chunks.ts';

/** Chunks that one transaction deletes, at most. */
const GROUP = 250;

/**
 * Deletes archived chunks that D1 stored more than `retainDays` days ago, after R2 has confirmed size and SHA-256 of every object that they
 * are in. The watermark of an account rises in the same transaction, so a crash never loses both the chunk and the place to continue.
 *
 * @param most chunks, at most
 * @returns where the next call continues
 * @throws Error if R2 or D1 does not answer: unconfirmed chunks are not deleted
 */
export const dropChunks = async (
  deps: ArchiveDeps,
  progress: Progress,
  now: Seconds,
  most: number,
): Promise<Progress> => {
  const today = dayOf(now);
  const kept = daysAfter(today, -deps.retainDays);
  if (progress.drop_day >= kept) return progress;
  const confirmed = new Map<string, boolean>();
  let dropped = 0;
  let seen = 0;
  let group: ChunkRow[] = [];
  let next: ChunkRow | undefined;
  const drop = async (): Promise<void> => {
    dropped += await dropGroup(deps, group, confirmed, now);
    seen += group.length;
    group = [];
  };
  for await (const chunk of walkChunks(deps.db, 'archived', progress.drop_account, startOf(kept))) {
    if (seen + group.length >= most) {
      next = chunk;
      break;
    }
    group.push(chunk);
    if (group.length >= GROUP) await drop();
  }
  await drop();
  if (next === undefined) return { ...progress, drop_day: kept, drop_account: '' };
  // An account whose object is missing must not block the deletion of others, so continue after it: no account's text begins with another's
  // and a blank.
  const isStuck = dropped === 0 && next.account === progress.drop_account;
  return { ...progress, drop_account: isStuck ? `${next.account} ` : next.account };
};

/** @returns how many chunks it deleted */
const dropGroup = async (
  deps: ArchiveDeps,
  group: readonly ChunkRow[],
  confirmed: Map<string, boolean>,
  now: Seconds,
): Promise<number> => {
  if (group.length === 0) return 0;
  const { db } = deps;
  const chunks = JSON.stringify(group.map(({ account, first_seq }) => [account, first_seq]));
  const { results } = await db.prepare(OBJECTS_OF).bind(chunks).all<ObjectOf>();
  const missing = new Set<string>();
  for (const { account, ...object } of results)
    if (!(await confirm(deps, object, confirmed))) missing.add(account);
  const runs = [...Map.groupBy(group, ({ account }) => account)].flatMap(([account, own]) =>
    missing.has(account) ? [] : [connected(own)],
  );
  const dropped = runs.flat();
  if (dropped.length === 0) return 0;
  const ends = runs.flatMap((run) => run.at(-1) ?? []);
  await db.batch([
    db
      .prepare(RAISE_WATERMARKS)
      .bind(
        JSON.stringify(
          ends.map(({ account, last_seq, last_hash }) => [account, last_seq, last_hash]),
        ),
        now,
      ),
    db
      .prepare(DELETE_CHUNKS)
      .bind(JSON.stringify(dropped.map(({ account, first_seq }) => [account, first_seq]))),
  ]);
  return dropped.length;
};

/** The chunks up to the first one that D1 keeps: an account's stored chunks have no gap. */
const connected = (chunks: readonly ChunkRow[]): readonly ChunkRow[] => {
  const end = chunks.findIndex(
    ({ first_seq }, at) => at > 0 && first_seq !== 1 + (chunks[at - 1]?.last_seq ?? 0),
  );
  return end === -1 ? chunks : chunks.slice(0, end);
};

type ObjectOf = WrittenObject & { readonly account: string };

const confirm = async (
  { bucket, raise }: ArchiveDeps,
  object: WrittenObject,
  confirmed: Map<string, boolean>,
): Promise<boolean> => {
  const known = confirmed.get(object.name);
  if (known !== undefined) return known;
  const stored = await isStored(bucket, object);
  confirmed.set(object.name, stored);
  if (!stored) await raise({ rule: 'archive', detail: { kind: 'missing', object: object.name } });
  return stored;
};

/** The objects that these chunks are in. A chunk is in one range. */
const OBJECTS_OF = `
SELECT DISTINCT r.account, o.name, o.sha256, o.bytes, o.entries
FROM json_each(?1) k
CROSS JOIN archived_ranges r ON r.account = k.value ->> 0 AND r.first_seq = (
  SELECT i.first_seq FROM archived_ranges i WHERE i.account = k.value ->> 0 AND i.first_seq <= k.value ->> 1
  ORDER BY i.first_seq DESC LIMIT 1)
CROSS JOIN archive_objects o ON o.day = r.day AND o.part = r.part`;

const RAISE_WATERMARKS = `
INSERT INTO archived (account, last_seq, last_hash, at)
SELECT value ->> 0, value ->> 1, value ->> 2, ?2 FROM json_each(?1) WHERE true
ON CONFLICT (account) DO UPDATE SET last_seq = excluded.last_seq, last_hash = excluded.last_hash, at = excluded.at`;

const DELETE_CHUNKS = `
DELETE FROM chunks WHERE (account, first_seq) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))`;
