/**
 * `node dev/test.ts short|deep|all`: runs the tests of `npm test`, of `npm run test:deep`, or everything (`.ci/run`). Tests inside workerd
 * compute, while tests that drive a stack mostly wait for blocks and clocks, so they run side by side. Two lanes fill two cores: with three,
 * tests waited for each other, and the whole took as long.
 */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Job, runLanes } from './jobs.ts';
import { ROOT } from './root.ts';

const manifest = createRequire(import.meta.url).resolve('vitest/package.json');

const tests = (workers: number, ...projects: readonly string[]): Job => ({
  name: projects.join(', '),
  command: [
    ...([process.execPath, join(dirname(manifest), 'vitest.mjs'), 'run'] as const),
    ...projects.flatMap((project) => ['--project', project]),
    `--maxWorkers=${workers}`,
  ],
});

const script = (name: string): Job => ({
  name: `npm run ${name}`,
  command: ['npm', 'run', '--silent', name],
});

const DEEP = [tests(1, 'runs', 'properties'), script('bundle'), script('package')];
const SUITES: Readonly<Record<string, readonly (readonly Job[])[]>> = {
  short: [
    [tests(2, 'unit', 'replaced', 'workerd')],
    [script('check'), tests(1, 'stack'), tests(1, 'signer', 'guards')],
  ],
  deep: [DEEP, [tests(3, 'node')]],
  all: [[script('test'), script('test:browser'), ...DEEP], [tests(3, 'node')]],
};

const suite = SUITES[process.argv[2] ?? ''];
if (suite === undefined) {
  console.error(`Usage: node dev/test.ts ${Object.keys(SUITES).join('|')}`);
  process.exit(2);
}

const MEMORY = '/dev/shm';
/** Memory that a whole run needs: its temporary files at most, and as much again for its processes. */
const ROOM = 6 * 1024 ** 3;

/** Whether temporary files fit into memory: creating the database of an object there takes a fifth of the time. */
const fitsInMemory = (): boolean => {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return Math.min(bavail * bsize, process.availableMemory()) > ROOM;
  } catch {
    return false;
  }
};

const temporary = mkdtempSync(join(fitsInMemory() ? MEMORY : tmpdir(), 'countersign-'));
process.once('exit', () => rmSync(temporary, { recursive: true, force: true }));
// Each start of wrangler compiles the same 15 MB of script unless Node caches the result.
process.exitCode = await runLanes(suite, {
  ...process.env,
  TMPDIR: temporary,
  NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/countersign'),
});
