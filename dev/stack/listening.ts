import { portAnswers } from './loopback.ts';
import { type ProcessGroup, startProcess } from './process.ts';

const PATIENCE_MS = 150_000;
const POLL_MS = 50;

/** Starts a program of this repository, and waits until it listens on the port. @throws Error with its output if it does not */
export const startListening = async (
  program: string,
  port: number,
  words: readonly string[],
): Promise<ProcessGroup> => {
  const group = startProcess({ program: process.execPath, arguments: [program, ...words] });
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await portAnswers(port))) {
    if (performance.now() > deadline) {
      await group.stop();
      throw new Error(`${program} does not listen: ${group.output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return group;
};
