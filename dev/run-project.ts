import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TaskMeta } from 'vitest';

/** One line of `line-reporter.ts`. */
export type Line =
  | { readonly said: string }
  | { readonly test: string; readonly failed: readonly string[]; readonly meta: TaskMeta };

export type Finished = Extract<Line, { readonly test: string }>;

const KEPT_LINES = 40;

/**
 * Runs one of vitest's projects with what is ordered of it. The runtime reports every object that dies, and dying is part of the order;
 * so of what it says the end is shown, and only when the run itself did not work.
 */
export const runProject = async (
  project: 'falsify' | 'bench' | 'scale' | 'cost',
  orders: object,
  say: (line: string) => void,
): Promise<readonly Finished[]> => {
  const vitest = dirname(createRequire(import.meta.url).resolve('vitest/package.json'));
  const reporter = join(import.meta.dirname, 'line-reporter.ts');
  const child = spawn(
    process.execPath,
    [join(vitest, 'vitest.mjs'), 'run', '--project', project, '--reporter', reporter],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, COUNTERSIGN_ORDERS: JSON.stringify(orders) },
    },
  );
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
  const noise: string[] = [];
  const hear = (line: string): void => {
    noise.push(line);
    if (noise.length > KEPT_LINES) noise.shift();
  };
  createInterface(child.stderr).on('line', hear);
  const finished: Finished[] = [];
  for await (const text of createInterface(child.stdout)) {
    const line = lineOf(text);
    if (line === undefined) hear(text);
    else if ('said' in line) say(line.said);
    else finished.push(line);
  }
  const code = await ended;
  if (code !== 0 && finished.every(({ failed }) => failed.length === 0)) {
    throw new Error(`The tests did not run (${code}):\n${noise.join('\n')}`);
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
