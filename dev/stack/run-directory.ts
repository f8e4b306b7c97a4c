import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { STACK_DIRECTORY } from './stack-file.ts';

let created = 0;

const lives = (processId: number): boolean => {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Removes directories of processes that have ended, e.g. after SIGKILL. */
const sweep = async (): Promise<void> => {
  for (const name of await readdir(STACK_DIRECTORY)) {
    const owner = /^run-([0-9]+)-[0-9]+$/.exec(name)?.[1];
    if (owner === undefined || lives(Number(owner))) continue;
    await rm(join(STACK_DIRECTORY, name), { recursive: true, force: true });
  }
};

/** Creates an empty directory in `.dev` for the state of one stack of this process. */
export const newRunDirectory = async (): Promise<string> => {
  await mkdir(STACK_DIRECTORY, { recursive: true });
  await sweep();
  created += 1;
  const directory = join(STACK_DIRECTORY, `run-${process.pid}-${created}`);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  return directory;
};
