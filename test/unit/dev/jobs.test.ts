import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const MODULE = JSON.stringify(join(import.meta.dirname, '../../../dev/jobs.ts'));

/** A job that prints a line after some milliseconds and exits with a code. */
type Line = readonly [text: string, milliseconds: number, code: number];

const ran = (...lanes: readonly (readonly Line[])[]) => {
  const jobs = lanes.map((lane) =>
    lane.map(([text, milliseconds, code]) => ({
      name: text,
      command: [
        process.execPath,
        '-e',
        `setTimeout(() => { console.log('output of ${text}'); process.exit(${code}); }, ${milliseconds})`,
      ],
    })),
  );
  const script = `import { runLanes } from ${MODULE}; process.exitCode = await runLanes(${JSON.stringify(jobs)});`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
};

it('runs every job after a failure, ends with the code of the first failure, and names it last', () => {
  const { status, stdout, stderr } = ran(
    [
      ['early', 0, 3],
      ['after', 0, 0],
    ],
    [['late', 1_500, 4]],
  );
  expect(status).toBe(3);
  expect(stdout.trim().split('\n').toSorted()).toEqual([
    'output of after',
    'output of early',
    'output of late',
  ]);
  expect(stderr).toMatch(/^after: passed after/m);
  expect(stderr.trim().split('\n').slice(-5)).toEqual([
    ...['late, in short:', 'output of late', '', 'early, in short:', 'output of early'],
  ]);
});

it('ends with 0 when every job passes', () => {
  const { status, stderr } = ran([['one', 0, 0]], [['two', 0, 0]]);
  expect([status, stderr]).toEqual([0, expect.not.stringContaining('FAILED')]);
});

it('fails when a program cannot start', () => {
  const script = `import { runLanes } from ${MODULE}; process.exitCode = await runLanes([[{ name: 'none', command: ['/no/such/program'] }]]);`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([1, expect.stringContaining('ENOENT')]);
});
