import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';

/** Machine and versions of a run. */
export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly workerd: string;
};

/** Describes this machine. */
export const machine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  node: process.version,
  workerd: (createRequire(import.meta.url)('workerd/package.json') as { version: string }).version,
});

/** Formats the machine as one line. */
export const machineLine = ({ cpu, cores, node, workerd }: Machine): string =>
  `${cpu}, ${cores} cores, Node ${node}, workerd ${workerd}`;

/**
 * Reads the CPU time of all threads of a process in microseconds, including garbage collection and compilation. Other load of the machine
 * hardly affects it. Linux only.
 */
export const cpuOf = (processId: number): number => {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${processId}/task`)) {
    try {
      const text = readFileSync(`/proc/${processId}/task/${task}/schedstat`, 'utf8');
      nanoseconds += Number(text.split(' ', 1)[0]);
    } catch {
      // The thread ended between the two reads.
    }
  }
  return nanoseconds / 1_000;
};
