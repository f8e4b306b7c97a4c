import type { TestProject } from 'vitest/node';
import { writePatientTools } from './patient-tools.ts';
import { provideWorker } from './provide-worker.ts';

/** Builds the Worker for tests that drive a stack. It sells the demo tools, with a longer upstream timeout for `flaky`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  return await provideWorker(project, writePatientTools);
}
