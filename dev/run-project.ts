import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TaskMeta } from 'vitest';

/** One line of the output of `line-reporter.ts`: console output, or the result of a test. */
export type Line =
  | { readonly output: string }
  | { readonly test: string; readonly failed: readonly string[]; readonly meta: TaskMeta };

export type Finished = Extract<Line, { readonly test: string }>;

const LOG_LINES = 40;

/**
 * Runs a vitest project with options and collects the results of its tests. Shows the output of the runtime only when the run failed
 * without a failed test: the runtime reports every object that crashes, and the tests crash objects on purpose.
 *
 * @param print called with each line that a test prints.
 */
export const runProject = async (
  project: 'falsify' | 'scale' | 'cost',
  options: object,
  print: (line: string) => void,
): Promise<readonly Finished[]> => {
  const vitest = dirname(createRequire(import.meta.url).resolve('vitest/package.json'));
  const reporter = join(import.meta.dirname, 'line-reporter.ts');
  const child = spawn(
    process.execPath,
    [join(vitest, 'vitest.mjs'), 'run', '--project', project, '--reporter', reporter],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, COUNTERSIGN_OPTIONS: JSON.stringify(options) },
    },
  );
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
  const log: string[] = [];
  const record = (line: string): void => {
    log.push(line);
    if (log.length > LOG_LINES) log.shift();
  };
  createInterface(child.stderr).on('line', record);
  const finished: Finished[] = [];
  for await (const text of createInterface(child.stdout)) {
    const line = lineOf(text);
    if (line === undefined) record(text);
    else if ('output' in line) print(line.output);
    else finished.push(line);
  }
  const code = await ended;
  if (code !== 0 && finished.every(({ failed }) => failed.length === 0)) {
    throw new Error(`vitest ended with code ${code}:\n${log.join('\n')}`);
  }
  return finished;
};

const lineOf = (text: string): Line | undefined => {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
};
