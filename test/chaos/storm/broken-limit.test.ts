import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newNarrator } from '../../../dev/demo/narrator.ts';
import { prove } from '../../../dev/storm/proof.ts';
import { findingOf } from '../../../dev/storm/tally.ts';
import { runStorm } from '../../../dev/storm/storm.ts';
import { pass, writeClockEntry } from './clock-entry.ts';
import { copyPatched } from './patched-tree.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-broken-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

it('convicts a gateway that lends and spends three times what its policies say', async () => {
  const tree = join(directory, 'tree');
  await copyPatched(tree, {
    file: 'durable-objects/account/tree/counters.ts',
    text: 'counter: { rule, name, limit, ',
    by: 'counter: { rule, name, limit: limit * 3n, ',
  });
  const entry = await writeClockEntry(directory, join(tree, 'test/chaos/run/worker.ts'));
  const narrator = newNarrator({ write: () => true });
  const tally = await runStorm(
    { ...{ calls: 60, agents: 4, out: join(directory, 'out') }, narrator, entry, pass },
    join(directory, 'run'),
  );
  expect(BigInt(tally.overspend)).toBeGreaterThan(0n);
  expect(tally).toMatchObject({ doubleRuns: 0, unaccounted: '0', proved: false });
  // Each agent stays within its own grant. Only the sums of the whole tree show the broken limit.
  const { report } = await prove(join(directory, 'out'));
  expect(findingOf(report, 'totals')).toMatchObject({
    verdict: 'BROKEN',
    first: { reason: 'over_limit' },
  });
}, 300_000);
