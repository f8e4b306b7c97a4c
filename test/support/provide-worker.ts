import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { ROOT } from '../../dev/root.ts';

/**
 * Builds the Worker once for all gateways of a run.
 *
 * @param toolsIn Returns the path of the tools to sell; it may write them into a directory.
 * @returns a function that deletes the built Worker
 */
export const provideWorker = async (
  project: TestProject,
  toolsIn: (directory: string) => Promise<string>,
): Promise<() => Promise<void>> => {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-worker-'));
  const built = join(directory, 'built');
  const entry = join(ROOT, 'dev/stack/local-worker.ts');
  await promisify(execFile)(
    process.execPath,
    [join(ROOT, 'dev/worker.ts'), built, entry, await toolsIn(directory)],
    { cwd: ROOT },
  );
  project.provide('worker', join(built, 'index.js'));
  project.provide('worlds', directory);
  // A shared stack may still write to the directory while it stops.
  return async () => await rm(directory, { recursive: true, force: true, maxRetries: 20 });
};

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface ProvidedContext {
    /** Path of the main module of the built Worker. */
    worker: string;
    /** Directory of the states of stacks that files share. */
    worlds: string;
  }
}
