import { createHash } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './root.ts';

/** A hash of the names and contents of the files that a build reads, so that an unchanged build is skipped. */
export const sourcesHash = async (...patterns: readonly string[]): Promise<string> => {
  const files: string[] = [];
  for await (const file of glob(patterns, { cwd: ROOT })) files.push(file);
  const hash = createHash('sha256');
  for (const file of files.toSorted())
    hash.update(`${file}\0`).update(await readFile(join(ROOT, file)));
  return hash.digest('hex');
};
