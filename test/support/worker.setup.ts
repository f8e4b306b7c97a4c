import type { TestProject } from 'vitest/node';
import { writeHostileTools } from '../browser/hostile-tools.ts';
import { provideWorker } from './provide-worker.ts';

/** Builds the Worker that browser tests look at. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  return await provideWorker(project, writeHostileTools);
}
