import type { TestProject } from 'vitest/node';
import { TOOLS_FILE } from '../../dev/stack/tools.ts';
import { provideWorker } from './provide-worker.ts';

/** Builds the Worker that browser tests look at. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  return await provideWorker(project, async () => TOOLS_FILE);
}
