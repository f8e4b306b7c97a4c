import type { TestProject } from 'vitest/node';
import { writePatientTools } from './patient-tools.ts';
import { provideWorker } from './provide-worker.ts';

/** Builds the Worker of tests that drive a stack: it sells the demo tools, and waits longer for one of them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  return await provideWorker(project, writePatientTools);
}
