import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './root.ts';

/**
 * Replaces a file of `public/` atomically: stacks that start concurrently both write it. Leaves an unchanged file alone: a `wrangler dev`
 * that serves the folder restarts its Worker after each write, even in the middle of a call.
 */
export const putAsset = async (name: string, text: string): Promise<void> => {
  const path = join(ROOT, 'public', name);
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  // The draft is outside `public/`, because the Worker serves every file in there.
  const draft = join(ROOT, `public.${name}.${process.pid}`);
  await writeFile(draft, text);
  await rename(draft, path);
};
