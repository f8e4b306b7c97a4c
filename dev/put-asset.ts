import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './root.ts';

/**
 * Replaces a file of `public/` atomically: stacks that start concurrently both write it. An unchanged file is not touched, because every
 * `wrangler dev` that serves the folder would restart its Worker, in the middle of a call.
 */
export const putAsset = async (name: string, text: string): Promise<void> => {
  const path = join(ROOT, 'public', name);
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  // Outside the folder, whose files are all served.
  const draft = join(ROOT, `public.${name}.${process.pid}`);
  await writeFile(draft, text);
  await rename(draft, path);
};
