import { randomUUID } from 'node:crypto';
import { constants, copyFileSync, linkSync, renameSync, rmSync } from 'node:fs';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export type FileToWrite = {
  readonly path: string;
  readonly text: string;
  /** Permissions, e.g. `0o600` for what is secret. Absent: those that the file has, else the usual ones. */
  readonly mode?: number;
  /** What is there stays, and is an error (`EEXIST`), however late it came. */
  readonly over?: 'nothing';
};

/**
 * Writes files so that each is there whole or as it was: all are first written beside their place, then moved there. Stopped before
 * the moves, e.g. by Ctrl-C, nothing has changed.
 *
 * @throws the signal's reason; the file system's errors
 */
export const writeFiles = async (
  files: readonly FileToWrite[],
  signal: AbortSignal | undefined,
): Promise<void> => {
  const drafts: (Pick<FileToWrite, 'path' | 'over'> & { readonly draft: string })[] = [];
  const discard = (): void => {
    for (const { draft } of drafts) rmSync(draft, { force: true });
  };
  // Ctrl-C ends the process without coming back here: a draft may hold a key.
  signal?.addEventListener('abort', discard, { once: true });
  try {
    for (const { path, text, mode: asked, over } of files) {
      signal?.throwIfAborted();
      await mkdir(dirname(path), { recursive: true, ...(asked === 0o600 ? { mode: 0o700 } : {}) });
      const mode = asked ?? (await modeOf(path));
      const draft = `${path}.${randomUUID()}.draft`;
      const file = await open(draft, 'wx', mode ?? 0o666);
      drafts.push({ draft, path, ...(over === undefined ? {} : { over }) });
      try {
        await file.writeFile(text);
        if (mode !== undefined) await file.chmod(mode);
        // A power cut must not leave an empty keystore where a key was.
        await file.sync();
      } finally {
        await file.close();
      }
    }
    signal?.throwIfAborted();
    // In one go: Ctrl-C ends the process, and must not come between two of them.
    for (const { draft, path, over } of drafts) {
      if (over === undefined) renameSync(draft, path);
      else putNew(draft, path);
    }
  } finally {
    signal?.removeEventListener('abort', discard);
    discard();
  }
};

const putNew = (draft: string, path: string): void => {
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    // A file system without links.
    copyFileSync(draft, path, constants.COPYFILE_EXCL);
  }
};

const modeOf = async (path: string): Promise<number | undefined> =>
  await stat(path).then(
    ({ mode }) => mode & 0o777,
    () => undefined,
  );

/** The text of a file; undefined where there is none. */
export const readText = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};
