import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killEveryProcess } from '../process.ts';

/** Where a tmpfs is mounted on Linux: the bench compares what code costs, not disks. */
const MEMORY = '/dev/shm';

/** A directory for bundles and objects, in memory where there is a tmpfs. It goes with this process, also on Ctrl-C. */
export const newWorkspace = (): string => {
  const directory = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'countersign-bench-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => {
      // Whoever was waiting for one of these processes is about to hear that it is gone.
      process.on('uncaughtException', () => {});
      void killEveryProcess().then(() => process.exit(code));
    });
  }
  return directory;
};
