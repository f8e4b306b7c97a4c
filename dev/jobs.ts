import { type ChildProcess, spawn } from 'node:child_process';
import { failedTests, shortForm } from './failed-tests.ts';

/** A command that checks something. */
export type Job = { readonly name: string; readonly command: readonly [string, ...string[]] };

type Failed = { readonly name: string; readonly code: number; readonly output: string };

const running = new Set<ChildProcess>();

/** Runs a job and hands each piece of its output to `show`. */
const run = async (
  { name, command: [program, ...words] }: Job,
  environment: NodeJS.ProcessEnv,
  show: (text: string) => void,
): Promise<Failed> => {
  const child = spawn(program, words, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
      show(text);
    });
  }
  const code = await new Promise<number>((resolve) => {
    child.once('error', (error) => {
      output += String(error);
      resolve(1);
    });
    child.once('close', (status) => resolve(status ?? 1));
  });
  running.delete(child);
  return { name, code, output };
};

/**
 * Runs lanes side by side, and the jobs of a lane one after the other, also after a failure. The first lane prints as it runs; a job of
 * another lane prints when it has ended. CI shows only the end of a long log, so `runLanes` prints the failures of all jobs
 * at the end, then a short form of each. Both lists end with the job that failed first.
 *
 * @returns the exit code of the job that failed first; 0 if all passed, 130 after a signal
 */
export const runLanes = async (
  lanes: readonly (readonly Job[])[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<number> => {
  const began = performance.now();
  const failed: Failed[] = [];
  let stopped = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      stopped = 130;
      for (const child of running) child.kill(signal);
    });
  }
  await Promise.all(
    lanes.map(async (jobs, at) => {
      for (const job of jobs) {
        if (stopped > 0) return;
        const ended = await run(job, environment, (text) => {
          if (at === 0) process.stdout.write(text);
        });
        if (at > 0) process.stdout.write(ended.output);
        const seconds = Math.round((performance.now() - began) / 1000);
        console.error(`${job.name}: ${ended.code === 0 ? 'passed' : 'FAILED'} after ${seconds} s`);
        if (ended.code !== 0) failed.push(ended);
      }
    }),
  );
  const firstLast = failed.toReversed();
  for (const { name, output } of firstLast)
    console.error(`\n${name} failed:\n\n${failedTests(output)}`);
  for (const { name, output } of firstLast)
    console.error([`\n${name}, in short:`, ...shortForm(output)].join('\n'));
  return stopped || (failed[0]?.code ?? 0);
};
