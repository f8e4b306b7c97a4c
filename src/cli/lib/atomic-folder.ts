import { rmSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { usageError } from './errors.ts';

/** A folder that is being written. Names are relative, and their folders are made. */
export type FolderDraft = {
  /** Streams pages into a file. */
  readonly write: (name: string, pages: AsyncIterable<string> | Iterable<string>) => Promise<void>;
};

/**
 * Writes a folder that appears only when it is complete: as a draft next to it, renamed at the end.
 *
 * @throws CliError usage if the folder already has files. Passes on errors of `fill`, and leaves no files then
 */
export const writeFolder = async (
  signal: AbortSignal,
  path: string,
  fill: (draft: FolderDraft) => Promise<void>,
): Promise<void> => {
  await refuseFull(path);
  const draft = `${path.replace(/\/+$/, '')}.${process.pid}.draft`;
  // Ctrl-C ends the process without returning here.
  const discard = (): void => rmSync(draft, { recursive: true, force: true });
  signal.addEventListener('abort', discard, { once: true });
  try {
    await mkdir(draft, { recursive: true });
    await fill({
      write: async (name, pages) => {
        const target = join(draft, name);
        await mkdir(dirname(target), { recursive: true });
        const file = await open(target, 'wx');
        try {
          for await (const page of pages) {
            signal.throwIfAborted();
            await file.writeFile(page);
          }
          await file.sync();
        } finally {
          await file.close();
        }
      },
    });
    // Replaces an empty folder, and fails if the folder has got files meanwhile.
    await rename(draft, path);
  } catch (thrown) {
    await rm(draft, { recursive: true, force: true });
    throw thrown;
  } finally {
    signal.removeEventListener('abort', discard);
  }
};

const refuseFull = async (path: string): Promise<void> => {
  const names = await readdir(path).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw usageError(
      `${path} is no folder that the command can write.`,
      'Give the name of a new folder.',
    );
  });
  if (names.length === 0) return;
  throw usageError(
    `The folder ${path} has files already.`,
    'Give the name of a new folder: an export never mixes with an older one.',
  );
};
