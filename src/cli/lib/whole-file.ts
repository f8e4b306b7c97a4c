import { rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { Session } from './session.ts';
import { counted } from './text.ts';

const CLEAR = '\r\u001B[2K';
const PATIENCE_MS = 1000;

/** What was written: lines by their ends. */
export type Written = { readonly lines: number; readonly bytes: number };

/** Writes pages into a file that is there whole or not at all, and shows how far it is. */
export const writeWhole = async (
  { out, signal }: Session,
  path: string,
  pages: AsyncIterable<string>,
): Promise<Written> => {
  const draft = `${path}.${process.pid}.draft`;
  const file = await open(draft, 'wx');
  // Ctrl-C ends the process without coming back here.
  const discard = (): void => rmSync(draft, { force: true });
  signal.addEventListener('abort', discard, { once: true });
  const from = performance.now();
  let [lines, bytes] = [0, 0];
  const shows = process.stderr.isTTY && !out.json;
  try {
    for await (const page of pages) {
      signal.throwIfAborted();
      await file.writeFile(page);
      lines += page.split('\n').length - 1;
      bytes += Buffer.byteLength(page);
      if (shows && performance.now() - from > PATIENCE_MS)
        process.stderr.write(`${CLEAR}${counted(lines, 'line')} …`.slice(0, 60));
    }
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
    if (shows) process.stderr.write(CLEAR);
  }
};
