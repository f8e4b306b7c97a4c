import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryText } from '../../src/audit/entry.ts';
import { loadExport } from '../support/export-texts.ts';
import { accepted, committed, history, MALLORY, settled } from '../unit/audit/history.ts';
import {
  type CutExport,
  CUT_CASES,
  PINNED,
  quietYear,
  type Whole,
  wholeExport,
} from '../support/cut-exports.ts';
import { pipe } from './support/command.ts';
import { brokenIn, findingOf, isMissing, verifyInBoth, why } from './support/python-verifier.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-cut-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
/** The file in which a reader keeps the pinned log keys. */
const KEYS = join(directory, 'keys');
let count = 0;

const write = ({ logs, years, key }: CutExport): string => {
  count += 1;
  const folder = join(directory, String(count));
  const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, 'entries'), { recursive: true });
  for (const [account, entries] of logs)
    put(
      `entries/${account.replaceAll(':', '_')}.ndjson`,
      entries.map((entry) => `${entryText(entry)}\n`).join(''),
    );
  // The exporter writes the manifest too, so it matches the cut chains.
  const listed = [...logs].map(([account, { length: last }]) => ({ account, first: 1, last }));
  put('manifest.json', JSON.stringify({ v: 1, accounts: listed }));
  if (years.length > 0) put('log-key', key);
  for (const { year, leaves, checkpoint, heads } of years) {
    mkdirSync(join(folder, 'log', String(year)), { recursive: true });
    put(`log/${year}/leaves.ndjson`, leaves.join(''));
    put(`log/${year}/checkpoint`, checkpoint);
    if (heads.length > 0) put(`log/${year}/heads.ndjson`, heads.join(''));
  }
  return folder;
};

const STRANGER = history(MALLORY, [accepted(1), committed(1), settled(1)]);

/** The chains of the committed export, and the longest one, whose last entries the exporter removes. */
const chains = async () => {
  const { logs } = await loadExport();
  const [longest] = [...logs].toSorted(([, one], [, other]) => other.length - one.length);
  if (longest === undefined) throw new Error('no chains');
  return { logs, longest };
};

let whole: Whole;
beforeAll(async () => {
  writeFileSync(KEYS, PINNED);
  const { logs, longest } = await chains();
  whole = await wholeExport(logs, longest[0], STRANGER);
});

describe.skipIf(isMissing)(`both verifiers on an export of an owner${why}`, () => {
  it.each(CUT_CASES)('with $name', async ({ change, broken = {}, heads, unpinned }) => {
    const folder = write(await change(whole));
    const pinned = await verifyInBoth([folder], ['--log-key', KEYS]);
    // A cut can break other checks too, e.g. when it removes a grant.
    expect(brokenIn(pinned.report)).toMatchObject(broken);
    expect(Object.keys(broken)).toEqual(
      Object.keys(brokenIn(pinned.report)).filter((id) => id === 'log' || id === 'heads'),
    );
    expect(findingOf(pinned.report, 'heads').verdict).toBe(heads);
    const alone = await verifyInBoth([folder]);
    expect(findingOf(alone.report, 'heads').verdict).toBe(unpinned?.heads ?? heads);
    expect(alone.code).not.toBe(0);
  });

  it('proves that an account was quiet in the new year', async () => {
    const { longest } = await chains();
    const folder = write(await quietYear(new Map([longest]), longest[0], STRANGER));
    const { report } = await verifyInBoth([folder], ['--log-key', KEYS]);
    expect([findingOf(report, 'log').verdict, findingOf(report, 'heads').verdict]).toEqual([
      'proved',
      'proved',
    ]);
  });
});

describe('the command on an export whose last entries were cut off', () => {
  const verified = async (folder: string, ...options: readonly string[]) => {
    const place = { env: { PATH: process.env['PATH'] ?? '', HOME: directory }, directory };
    const { code, stdout } = await pipe(place, ['audit', 'verify', folder, ...options]);
    const [first = ''] = stdout.split('\n\n');
    return { code, first: first.replaceAll(/\s+/g, ' ') };
  };

  it('prints the open ends first, and exits with 4 if nothing proves the ends', async () => {
    const sound = write(whole);
    expect(await verified(sound, '--log-key', KEYS)).toEqual({
      code: 0,
      first: expect.stringMatching(/^whole nothing newer is under the checkpoint of \d+ leaves/),
    });
    const open = { code: 4, first: expect.stringMatching(/^OPEN entries may be missing/) };
    expect(await verified(sound)).toEqual(open);
    // The key inside the export does not count as pinned.
    expect(await verified(sound, '--log-key', join(sound, 'log-key'))).toEqual(open);
    const [, , cut, , , , , , deleted] = CUT_CASES;
    const folder = write((await cut?.change(whole)) ?? whole);
    expect(await verified(folder, '--log-key', KEYS)).toEqual({
      code: 1,
      first: expect.stringMatching(/^BROKEN heads: .*cut off/),
    });
    expect(await verified(write((await deleted?.change(whole)) ?? whole))).toEqual(open);
  });
});
