import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workerd } from './workerd.ts';

/** Whether a process has the database of an object open, as it does while the object is awake. Linux only. */
export const isAwake = async (
  { processId }: Pick<Workerd, 'processId'>,
  database: string,
): Promise<boolean> => {
  const directory = `/proc/${processId}/fd`;
  const files = await Promise.all(
    // A file may be closed between the two reads.
    (await readdir(directory)).map((name) => readlink(join(directory, name)).catch(() => '')),
  );
  return files.includes(database);
};

const PAUSE_MS = 100;
const PATIENCE_MS = 15_000;

/**
 * Waits until an object sleeps: an alarm may have woken it, and workerd evicts it ten seconds after its last request.
 *
 * @returns false if alarms keep the object awake for 15 seconds.
 */
export const fallsAsleep = async (
  process: Pick<Workerd, 'processId'>,
  database: string,
): Promise<boolean> => {
  const deadline = performance.now() + PATIENCE_MS;
  while (await isAwake(process, database)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return true;
};
