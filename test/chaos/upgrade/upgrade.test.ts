import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NOTE_PRICE } from '../../../dev/previous/tools.ts';
import { EXPORT } from '../../../dev/storm/files.ts';
import { canFollow, STORAGE } from '../../../src/protocol/storage-version.ts';
import { isMissing, verifyInBoth } from '../../cli/support/python-verifier.ts';
import { outOf, runUpgrade, type Upgraded } from './run-upgrade.ts';
import { type BothVersions, buildVersions } from './versions.ts';

let directory: string;
let versions: BothVersions;
let upgraded: Upgraded;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-upgrade-'));
  versions = await buildVersions(join(directory, 'versions'));
  const { storage, from } = versions;
  if (!canFollow(STORAGE, storage) || !canFollow(storage, STORAGE)) {
    throw new Error(
      `This code and ${from} cannot run at once: ${JSON.stringify({ this: STORAGE, previous: storage })}. ` +
        'Before the first release, remake the fixture in the commit that changes the stored form: `npm run previous`. Afterwards, expand first: CONTRIBUTING.md.',
    );
  }
  upgraded = await runUpgrade(versions, join(directory, 'run'), outOf(directory));
}, 300_000);

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

it('serves calls with both versions on one state, in every phase of an upgrade and a roll-back', () => {
  const { served, bought } = upgraded;
  expect(Object.keys(served)).toHaveLength(5);
  for (const count of Object.values(served)) expect(count).toBeGreaterThan(0);
  for (const calls of Object.values(bought)) {
    expect(calls.map(({ how }) => how).toSorted()).toEqual([
      ...['credit', 'credit', 'credit', 'mcp', 'mcp', 'mcp'],
    ]);
    for (const { charged } of calls) expect(charged).toBe(NOTE_PRICE);
  }
  expect(upgraded.streams).toBeGreaterThan(0);
  expect(upgraded.denials).toBeGreaterThan(0);
});

it('shares every argument and every answer of objects between the versions', () => {
  expect(upgraded.mistakes).toEqual([]);
});

it('loses no unit and runs no call twice, and the Python verifier proves it', () => {
  const { tally, open, unlogged } = upgraded;
  expect({ open, unlogged }).toEqual({ open: [], unlogged: [] });
  expect(tally).toMatchObject({
    ...{ overspend: '0', doubleRuns: 0, unaccounted: '0', denialsWrong: 0, proved: true },
  });
});

it.skipIf(isMissing)('leaves a log that both verifiers accept alike', async () => {
  const { report } = await verifyInBoth([join(outOf(directory), EXPORT)]);
  expect(report.checks.filter(({ verdict }) => verdict === 'BROKEN')).toEqual([]);
});
