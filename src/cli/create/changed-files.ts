import { type FileToWrite, readText } from '../lib/atomic-file.ts';

/** The files whose text differs from what is on disk: a second run must not touch the others, not even their time. */
export const changedFiles = async (
  files: readonly FileToWrite[],
): Promise<readonly FileToWrite[]> => {
  const present = await Promise.all(files.map(async ({ path }) => await readText(path)));
  return files.filter(({ text }, at) => present[at] !== text);
};
