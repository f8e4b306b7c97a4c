import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { readText } from '../lib/atomic-file.ts';

/** Editors write a file in several steps. */
const SETTLE_MS = 100;

/**
 * Calls back with the text of a file each time that it changes; undefined if the file is gone. Watches the directory: editors replace a
 * file, and a watch of the file itself would stay with the old one.
 *
 * @param known the text that the caller has read already
 */
export const watchFile = (
  path: string,
  known: string | undefined,
  onChange: (text: string | undefined) => Promise<void>,
): { readonly stop: () => void } => {
  let last = known;
  let timer: NodeJS.Timeout | undefined;
  let reading: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    const text = await readText(path).catch(() => undefined);
    if (text === last) return;
    last = text;
    await onChange(text);
  };
  const lookSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      // Race: without this order, an earlier text could replace a later one.
      reading = reading.then(look, look);
    }, SETTLE_MS);
  };
  const name = basename(path);
  const watcher = watch(dirname(path), (_, changed) => {
    if (changed === name || changed === null) lookSoon();
  });
  watcher.on('error', () => undefined);
  // The file may have changed since the caller read it.
  lookSoon();
  return {
    stop: () => {
      clearTimeout(timer);
      watcher.close();
    },
  };
};
