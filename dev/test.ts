/**
 * The tests of `npm test`, two runs beside each other: those inside workerd compute, those that drive the stack mostly wait for blocks
 * and clocks. What the second one says is shown when it has ended, in one piece. Both run to their end, so that all failures are seen.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ROOT } from './gateway-files.ts';

const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
);
/** Each start of wrangler compiles the same fifteen megabytes of script, unless what came of it is kept. */
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

type Ended = { readonly code: number; readonly kept: string };

const run = async (
  projects: readonly string[],
  workers: number,
  show: (text: string) => void,
): Promise<Ended> => {
  const chosen = projects.flatMap((project) => ['--project', project]);
  const words = ['run', ...chosen, `--maxWorkers=${workers}`];
  const child = spawn(process.execPath, [vitest, ...words], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let kept = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      kept += text;
      show(text);
    });
  }
  const code = await new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('close', (status) => resolve(status ?? 1));
  });
  running.delete(child);
  console.error(
    `${projects.join(', ')}: ended with ${code} after ${Math.round((performance.now() - began) / 1000)} s`,
  );
  return { code, kept };
};

// One processor each: what waits for the other one may be told that it waited too long.
const [inside, outside] = await Promise.all([
  run(['workerd', 'guards'], 1, (text) => process.stdout.write(text)),
  run(['node'], 3, () => undefined),
]);
process.stdout.write(outside.kept);
if (inside.code !== 0) console.error('Tests inside workerd failed: see above.');
process.exitCode ||= inside.code || outside.code;
