import type { Seconds } from '../../core/clock.ts';
import { daysAfter, startOf } from '../day.ts';
import { archiveCalls } from './archive-calls.ts';
import { type ArchiveDeps, COPY_DELAY, type WrittenObject } from './archive-deps.ts';
import { copyChunks } from './copy-chunks.ts';
import { dropChunks } from './drop-chunks.ts';
import { loadProgress, type Progress, storeProgress } from './progress.ts';

/** What one run does, at most: a Worker has 30 seconds of CPU and a thousand requests. The next run continues. */
const MOST = { steps: 20, objects: 4, chunks: 5_000, calls: 10, entries: 50 } as const;

/**
 * One run of the archive: copies the chunks of days that have ended, records the new objects in the log, and deletes chunks from D1 that it
 * has kept long enough. While R2 fails nothing is deleted, and one alert is raised.
 */
export const runArchive = async (
  deps: ArchiveDeps,
  now: Seconds,
  most: { readonly [limit in keyof typeof MOST]?: number } = {},
): Promise<void> => {
  const limits = { ...MOST, ...most };
  const progress = await loadProgress(deps.db);
  if (progress === undefined) return;
  try {
    await copyDays(deps, progress, now, limits);
    await recordObjects(deps, now, limits.entries);
    const copied = (await loadProgress(deps.db)) ?? progress;
    const dropped = await dropChunks(deps, copied, now, limits.chunks);
    for (let at = 0; at < limits.calls; at += 1) if ((await archiveCalls(deps, now)) === 0) break;
    const ended = { ...dropped, failing_at: null, told_at: null };
    if (!isSame(ended, copied)) await storeProgress(deps.db, ended).run();
  } catch (cause) {
    console.error({ event: 'archive_failed', cause: String(cause) });
    await tellOnce(deps, now);
  }
};

const copyDays = async (
  deps: ArchiveDeps,
  from: Progress,
  now: Seconds,
  { steps, objects }: { readonly steps: number; readonly objects: number },
): Promise<void> => {
  let progress = from;
  let written = 0;
  for (let step = 0; step < steps && written < objects; step += 1) {
    if (now < startOf(daysAfter(progress.day, 1)) + COPY_DELAY) return;
    const copied = await copyChunks(deps, progress, now);
    progress = copied.progress;
    if (copied.isWritten) written += 1;
  }
};

/** Records objects in the log of the gateway's account. An object that was recorded before a crash is not recorded again. */
const recordObjects = async (
  { db, record }: ArchiveDeps,
  now: Seconds,
  most: number,
): Promise<void> => {
  const { results } = await db
    .prepare(
      `SELECT day, part, name, sha256, bytes, entries FROM archive_objects INDEXED BY archive_objects_unlogged
       WHERE logged_at IS NULL ORDER BY day, part LIMIT ?1`,
    )
    .bind(most)
    .all<WrittenObject & { readonly day: string; readonly part: number }>();
  for (const { day, part, name, sha256, bytes, entries } of results) {
    if (!(await record({ name, sha256, bytes, entries }))) return;
    await db
      .prepare('UPDATE archive_objects SET logged_at = ?3 WHERE day = ?1 AND part = ?2')
      .bind(day, part, now)
      .run();
  }
};

/** Raises one alert until a run succeeds again. */
const tellOnce = async ({ db, raise }: ArchiveDeps, now: Seconds): Promise<void> => {
  const progress = await loadProgress(db);
  if (progress === undefined || progress.told_at !== null) return;
  const since = progress.failing_at ?? now;
  const told = await raise({ rule: 'archive', detail: { kind: 'unavailable', since } });
  await storeProgress(db, {
    ...progress,
    failing_at: since,
    told_at: told ? now : null,
  }).run();
};

const isSame = (a: Progress, b: Progress): boolean => JSON.stringify(a) === JSON.stringify(b);
