import { randomUUID } from 'node:crypto';
import { constants, copyFileSync, linkSync, renameSync, rmSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Progress } from './output.ts';
import { counted } from './text.ts';

export type FileToWrite = {
  readonly path: string;
  readonly text: string;
  /** Permissions, `0o600` for a secret. Absent: the file's present permissions, else those of the umask. */
  readonly mode?: number;
  /** `nothing`: an existing file stays and the write fails with `EEXIST`, even if the file appeared during the write. */
  readonly over?: 'nothing';
};

/**
 * Writes all files or none: writes a draft of each next to its target, syncs it, then renames all drafts. An interruption before the
 * renames changes nothing.
 *
 * @throws the signal's reason; errors of the file system
 */
export const writeFiles = async (
  files: readonly FileToWrite[],
  signal: AbortSignal | undefined,
): Promise<void> => {
  const drafts: (Pick<FileToWrite, 'path' | 'over'> & { readonly draft: string })[] = [];
  const discard = (): void => {
    for (const { draft } of drafts) rmSync(draft, { force: true });
  };
  // Ctrl-C ends the process without returning here, and a draft may hold a key.
  signal?.addEventListener('abort', discard, { once: true });
  try {
    for (const { path, text, mode: wanted, over } of files) {
      signal?.throwIfAborted();
      await mkdir(dirname(path), {
        recursive: true,
        ...(wanted === 0o600 ? { mode: 0o700 } : {}),
      });
      const mode = wanted ?? (await modeOf(path));
      const draft = `${path}.${randomUUID()}.draft`;
      const file = await open(draft, 'wx', mode ?? 0o666);
      drafts.push({ draft, path, ...(over === undefined ? {} : { over }) });
      try {
        await file.writeFile(text);
        if (mode !== undefined) await file.chmod(mode);
        // Without the sync, a power cut after the rename could leave an empty keystore file.
        await file.sync();
      } finally {
        await file.close();
      }
    }
    signal?.throwIfAborted();
    // Synchronous: Ctrl-C must not end the process between two renames.
    for (const { draft, path, over } of drafts) {
      if (over === undefined) renameSync(draft, path);
      else moveToNewPath(draft, path);
    }
  } finally {
    signal?.removeEventListener('abort', discard);
    discard();
  }
};

/** `rename` would replace a file that appeared meanwhile; `link` fails with `EEXIST` (CWE-367). */
const moveToNewPath = (draft: string, path: string): void => {
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    // The file system has no hard links.
    copyFileSync(draft, path, constants.COPYFILE_EXCL);
  }
};

const modeOf = async (path: string): Promise<number | undefined> =>
  await stat(path).then(
    ({ mode }) => mode & 0o777,
    () => undefined,
  );

/** Line ends and bytes of a written file. */
export type Written = { readonly lines: number; readonly bytes: number };

/** Streams pages into a file that appears only when it is complete. */
export const writePages = async (
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
  path: string,
  pages: AsyncIterable<string>,
): Promise<Written> => {
  const draft = `${path}.${process.pid}.draft`;
  const file = await open(draft, 'wx');
  // Ctrl-C ends the process without returning here.
  const discard = (): void => rmSync(draft, { force: true });
  signal.addEventListener('abort', discard, { once: true });
  let [lines, bytes] = [0, 0];
  try {
    await progress.during(
      () => `writing, ${counted(lines, 'line')} so far`,
      async () => {
        for await (const page of pages) {
          signal.throwIfAborted();
          await file.writeFile(page);
          lines += page.split('\n').length - 1;
          bytes += Buffer.byteLength(page);
        }
      },
    );
    await file.sync();
    await file.close();
    await rename(draft, path);
    return { lines, bytes };
  } catch (thrown) {
    await file.close().catch(() => undefined);
    await rm(draft, { force: true });
    throw thrown;
  } finally {
    signal.removeEventListener('abort', discard);
  }
};

/** The text of a file; undefined if no file exists. */
export const readText = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** The files whose text differs from what is on disk: a second run must not touch the others, not even their time. */
export const changedFiles = async <T extends FileToWrite>(
  files: readonly T[],
): Promise<readonly T[]> => {
  const present = await Promise.all(files.map(async ({ path }) => await readText(path)));
  return files.filter(({ text }, at) => present[at] !== text);
};
