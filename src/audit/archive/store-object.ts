import { bytesOf, encodeBase64, hexOf } from '../../crypto/bytes.ts';
import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { Day } from '../day.ts';
import type { ArchiveDeps } from './archive-deps.ts';
import { type ArchiveObject, partPrefix } from './object-writer.ts';
import { type Progress, storeProgress } from './progress.ts';

type Part = { readonly day: Day; readonly part: number };

/**
 * Writes an object to R2, then its rows and the progress to D1 in one transaction. Without ranges it only stores the progress.
 *
 * Race: two runs at once make the same object; the rows of the second one conflict, and it fails without harm.
 *
 * @throws Error if R2 or D1 fails: the next run makes the object again
 */
export const storeObject = async (
  deps: ArchiveDeps,
  object: ArchiveObject,
  { day, part }: Part,
  progress: Progress,
  now: Seconds,
): Promise<void> => {
  const { db, bucket } = deps;
  if (object.ranges.length === 0) {
    await storeProgress(db, progress).run();
    return;
  }
  await warnOfOthers(deps, object, { day, part });
  const { name, sha256, body, entries, from, to } = object;
  await putObject(bucket, name, body, sha256);
  const ranges = object.ranges.map(({ account, first, last, lastHash, offset, length, calls }) => [
    ...[account, first, last, lastHash, offset, length],
    hexOf(calls).slice(2),
  ]);
  await db.batch([
    db
      .prepare('INSERT INTO archive_objects VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL)')
      .bind(day, part, name, sha256, body.byteLength, entries, from, to, now),
    ...inGroups(ranges).map((group) =>
      db.prepare(INSERT_RANGES).bind(day, part, JSON.stringify(group)),
    ),
    storeProgress(db, progress),
  ]);
};

const INSERT_RANGES = `
INSERT INTO archived_ranges (account, first_seq, last_seq, last_hash, day, part, offset, length, calls)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, ?1, ?2, value ->> 4, value ->> 5, unhex(value ->> 6)
FROM json_each(?3)`;

/** Characters of one parameter, about: D1 takes two million bytes. */
const GROUP = 1_000_000;

const inGroups = <T>(items: readonly T[]): readonly (readonly T[])[] => {
  const groups: T[][] = [[]];
  let size = 0;
  for (const item of items) {
    const length = JSON.stringify(item).length;
    if (size + length > GROUP) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)?.push(item);
    size += length;
  }
  return groups;
};

/** Puts an object; R2 rejects it if its bytes have another SHA-256. */
export const putObject = async (
  bucket: R2Bucket,
  name: string,
  body: Uint8Array<ArrayBuffer>,
  sha256: Hex,
): Promise<void> => {
  // No content encoding: clients would decompress the object, and read other bytes than were hashed.
  await bucket.put(name, body, {
    sha256: bytesOf(sha256),
    httpMetadata: { contentType: 'application/gzip' },
  });
};

/** Whether R2 has the object with this SHA-256 and size. @throws Error if R2 does not answer */
export const isStored = async (
  bucket: R2Bucket,
  { name, sha256, bytes }: { readonly name: string; readonly sha256: Hex; readonly bytes: number },
): Promise<boolean> => {
  const head = await bucket.head(name);
  const checksum = head?.checksums.sha256;
  return (
    head?.size === bytes &&
    checksum !== undefined &&
    encodeBase64(new Uint8Array(checksum)) === encodeBase64(bytesOf(sha256))
  );
};

/**
 * Alerts the operator to an object of the same part with different content: D1 was restored to a time before that object was written, and
 * the accounts have sent different chunks since. Both objects stay, because the older one may have entries that D1 has lost.
 */
const warnOfOthers = async (
  { bucket, raise }: ArchiveDeps,
  { name }: ArchiveObject,
  { day, part }: Part,
): Promise<void> => {
  const { objects } = await bucket.list({ prefix: partPrefix(day, part), limit: 10 });
  for (const { key } of objects) {
    if (key !== name)
      await raise({ rule: 'archive', detail: { kind: 'differs', object: name, other: key } });
  }
};
