import type { TestProject } from 'vitest/node';
import { writeHostileTools } from '../browser/hostile-tools.ts';
import { provideWorker } from './provide-worker.ts';

/** Builds the Worker for the browser tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  return await provideWorker(project, writeHostileTools);
}
