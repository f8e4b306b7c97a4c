import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

/** Creates the directory for the states of stacks. A stack that is killed with its test worker cannot remove its own state. */
export default function setup(project: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-states-'));
  project.provide('states', directory);
  return () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface ProvidedContext {
    /** Directory for the states of stacks. */
    states: string;
  }
}
