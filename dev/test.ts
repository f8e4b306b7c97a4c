/**
 * `node dev/test.ts short|deep`: runs the tests of `npm test` or of `npm run test:deep`. Each has two runs at once: tests inside workerd
 * compute, while tests that drive a stack mostly wait for blocks and clocks. The output of the second run follows that of the first, and
 * both runs finish even if one fails. `short` checks types, lint and format first, beside the second run. The failures of every failed
 * run are printed last, and their names after them: CI shows only the end of a long log.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { failedTests, failureNames } from './failed-tests.ts';
import { ROOT } from './root.ts';

type Run = { readonly projects: readonly string[]; readonly workers: number };

/** `first`: the script of package.json that must pass before `inside` begins. */
type Suite = { readonly first?: string; readonly inside: Run; readonly outside: Run };

const SUITES: Readonly<Record<string, Suite>> = {
  short: {
    first: 'static',
    inside: { projects: ['unit', 'workerd', 'signer', 'guards'], workers: 2 },
    outside: { projects: ['stack'], workers: 1 },
  },
  deep: {
    inside: { projects: ['runs', 'properties'], workers: 1 },
    // They wait for blocks and clocks: with three workers a third of two cores was idle.
    outside: { projects: ['node'], workers: 4 },
  },
};

const suite = SUITES[process.argv[2] ?? ''];
if (suite === undefined) {
  console.error(`Usage: node dev/test.ts ${Object.keys(SUITES).join('|')}`);
  process.exit(2);
}

const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
);
// Each start of wrangler compiles the same 15 MB of script unless Node caches the result.
const environment = {
  ...process.env,
  NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/countersign'),
};
const began = performance.now();
const running = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    for (const child of running) child.kill(signal);
    process.exitCode = 130;
  });
}

type Ended = { readonly name: string; readonly code: number; readonly output: string };

/** Runs test projects and hands each piece of their output to `show`. */
const run = async ({ projects, workers }: Run, show?: (text: string) => void): Promise<Ended> => {
  const chosen = projects.flatMap((project) => ['--project', project]);
  const child = spawn(process.execPath, [vitest, 'run', ...chosen, `--maxWorkers=${workers}`], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
      show?.(text);
    });
  }
  const code = await new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('close', (status) => resolve(status ?? 1));
  });
  running.delete(child);
  const name = projects.join(', ');
  const seconds = Math.round((performance.now() - began) / 1000);
  console.error(`${name}: ${code === 0 ? 'passed' : 'FAILED'} after ${seconds} s`);
  return { name, code, output };
};

/** Runs a script of package.json. If it fails, no test result matters: ends all runs. */
const passFirst = async (script: string): Promise<void> => {
  const child = spawn('npm', ['run', '--silent', script], { stdio: 'inherit' });
  running.add(child);
  const code = await new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('close', (status) => resolve(status ?? 1));
  });
  running.delete(child);
  if (code === 0) return;
  console.error(`npm run ${script}: FAILED`);
  for (const other of running) other.kill('SIGTERM');
  process.exit(code);
};

const outsideRun = run(suite.outside);
if (suite.first !== undefined) await passFirst(suite.first);
const [inside, outside] = await Promise.all([
  run(suite.inside, (text) => process.stdout.write(text)),
  outsideRun,
]);
process.stdout.write(outside.output);
const failed = [inside, outside].filter(({ code }) => code !== 0);
for (const { name, output } of failed) {
  console.error(`\nTests of ${name} failed:\n\n${failedTests(output)}`);
}
for (const { name, output } of failed) {
  console.error([`\n${name}, in short:`, ...failureNames(failedTests(output))].join('\n'));
}
process.exitCode ||= inside.code || outside.code;
