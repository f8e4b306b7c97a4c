import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newNarrator } from '../../../dev/demo/narrator.ts';
import { ROOT } from '../../../dev/root.ts';
import { EXPORT, readEntries } from '../../../dev/storm/files.ts';
import { verifyWithPython } from '../../../dev/storm/proof.ts';
import { runStorm } from '../../../dev/storm/storm.ts';
import type { Tally } from '../../../dev/storm/tally.ts';
import type { Report } from '../../../src/audit/verify/index.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { pipe } from '../../cli/support/command.ts';
import { isMissing, verifyInBoth } from '../../cli/support/python-verifier.ts';
import { pass, writeClockEntry } from './clock-entry.ts';

const CALLS = 60;

let directory: string;
let folder: string;
let tally: Tally;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-storm-'));
  const out = join(directory, 'out');
  folder = join(out, EXPORT);
  const entry = await writeClockEntry(directory, join(ROOT, 'test/chaos/run/worker.ts'));
  const lines: string[] = [];
  const narrator = newNarrator({ write: (text: string) => lines.push(text) > 0 });
  tally = await runStorm(
    { ...{ calls: CALLS, agents: 4, out }, narrator, entry, pass },
    join(directory, 'run'),
  );
  if (narrator.failures().length > 0) throw new Error(lines.join(''));
}, 300_000);

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

it('keeps a limit to the unit, runs each call once and accounts for every unit through a crash', () => {
  expect(tally).toMatchObject({
    ...{ calls: CALLS, overspend: '0', doubleRuns: 0 },
    ...{ unaccounted: '0', denialsWrong: 0, proved: true },
  });
  // The cap is a fifth of the price of all calls.
  expect(tally.admitted).toBeGreaterThan(0);
  expect(tally.admitted).toBeLessThanOrEqual(CALLS / 4);
});

it('charges metered streams, and logs why', async () => {
  const entries = await readEntries(join(directory, 'out'));
  const streams = entries.filter(({ type, tool }) => type === 'call.finished' && tool === 'model');
  expect(streams.filter(({ outcome }) => outcome?.['basis'] !== undefined)).not.toEqual([]);
});

it.skipIf(isMissing)('gives the same verdicts and counts in both verifiers', async () => {
  const { report } = await verifyInBoth([folder]);
  expect(report.checks.find(({ check }) => check === 'totals')).toMatchObject({ unchecked: 0 });
});

/** Runs `countersign audit verify` on the folder. */
const verified = async (): Promise<{ readonly code: number; readonly report: Report }> => {
  const place = { env: { PATH: process.env['PATH'] ?? '', HOME: directory }, directory };
  const { code, stdout, stderr } = await pipe(place, ['audit', 'verify', folder, '--json']);
  expect(stdout, stderr).not.toBe('');
  return { code, report: JSON.parse(stdout) as Report };
};

const firstOf = (report: Pick<Report, 'checks'> | undefined) =>
  report?.checks.find(({ verdict }) => verdict === 'BROKEN')?.first;

describe('a newcomer who edits one amount of an export', () => {
  it('is told which entry lies, by the command and by Python', async () => {
    expect((await verified()).report.checks).not.toContainEqual(
      expect.objectContaining({ verdict: 'BROKEN' }),
    );
    const [name = ''] = (await readdir(join(folder, 'entries'))).filter((each) =>
      each.endsWith('.ndjson'),
    );
    const path = join(folder, 'entries', name);
    const text = await readFile(path, 'utf8');
    const lines = text.trimEnd().split('\n');
    const at = lines.findIndex((line) => line.includes('"price":"'));
    const { account, seq } = JSON.parse(lines[at] ?? '') as Entry;
    const edited = lines.with(at, (lines[at] ?? '').replace(/"price":"\d+"/, '"price":"1"'));
    await writeFile(path, `${edited.join('\n')}\n`);
    try {
      const { code, report } = await verified();
      expect(code).toBe(1);
      expect(firstOf(report)).toMatchObject({ account, seq, line: at + 1 });
      const proof = await verifyWithPython([folder]);
      expect(proof.code, proof.stderr).toBe(1);
      expect(firstOf(proof.report as Report | undefined)).toMatchObject({ account, seq });
    } finally {
      await writeFile(path, text);
    }
  });
});
