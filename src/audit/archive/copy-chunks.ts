import type { Seconds } from '../../core/clock.ts';
import { daysAfter, startOf } from '../day.ts';
import type { ArchiveDeps } from './archive-deps.ts';
import { type ArchivedRun, createObjectWriter, type ObjectWriter } from './object-writer.ts';
import { type Progress } from './progress.ts';
import { storeObject } from './store-object.ts';
import { walkChunks, withTexts } from './stored-chunks.ts';

/** Compressed bytes of an object, about. */
const OBJECT_BYTES = 8 * 1_048_576;
/** Characters of a range, unless one chunk has more: one read of an account's entries. */
export const RANGE_TEXT = 524_288;

/**
 * Copies the next chunks of a day into one object: at most as many as an object holds. The chunks of a day that has ended no longer change,
 * so a run that died after it wrote the object makes the same object again.
 *
 * @returns where the next call continues: the next day, if this one is complete. An empty day needs no object
 */
export const copyChunks = async (
  deps: ArchiveDeps,
  progress: Progress,
  now: Seconds,
  most = OBJECT_BYTES,
): Promise<{ readonly progress: Progress; readonly isWritten: boolean }> => {
  const { db } = deps;
  const { day } = progress;
  const nextDay = daysAfter(day, 1);
  const part = await nextPart(db, day);
  const writer = createObjectWriter(day, part);
  const runs = openRuns(writer);
  const chunks = walkChunks(db, 'due', progress.account, startOf(nextDay));
  for await (const [chunk, text] of withTexts(db, chunks)) {
    // A chunk with an earlier time than the one before it waits until that one is archived: an account's ranges have no gap.
    if (chunk.first_seq !== 1 + (runs.lastOf(chunk.account) ?? chunk.archived)) continue;
    const { account, first_seq: first, last_seq: last, last_hash: lastHash } = chunk;
    runs.add({ account, first, last, lastHash, text });
    if (writer.size() >= most) {
      runs.end();
      const rest = { ...progress, account };
      await storeObject(deps, writer.finish(), { day, part }, rest, now);
      return { progress: rest, isWritten: true };
    }
  }
  runs.end();
  const done = { ...progress, day: nextDay, account: '' };
  const object = writer.finish();
  await storeObject(deps, object, { day, part }, done, now);
  return { progress: done, isWritten: object.ranges.length > 0 };
};

const nextPart = async (db: D1Database, day: string): Promise<number> =>
  1 +
  ((await db
    .prepare('SELECT max(part) AS part FROM archive_objects WHERE day = ?1')
    .bind(day)
    .first<number | null>('part')) ?? 0);

/** Joins consecutive chunks of an account into runs. */
const openRuns = (writer: ObjectWriter) => {
  let run: ArchivedRun | undefined;
  const end = (): void => {
    if (run !== undefined) writer.add(run);
    run = undefined;
  };
  let newest: Pick<ArchivedRun, 'account' | 'last'> | undefined;
  return {
    end,
    /** The last seq of the account in this object. */
    lastOf: (account: string): number | undefined =>
      newest?.account === account ? newest.last : undefined,
    add: (chunk: ArchivedRun): void => {
      newest = chunk;
      if (run?.account === chunk.account && run.text.length + chunk.text.length <= RANGE_TEXT) {
        run = { ...chunk, first: run.first, text: run.text + chunk.text };
        return;
      }
      end();
      run = chunk;
    },
  };
};
