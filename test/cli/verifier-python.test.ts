import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from '../support/export-mutations.ts';
import { loadExport, reportOf } from '../support/export-texts.ts';
import { SOUND } from '../support/log-mutations.ts';
import {
  brokenIn,
  EXPORT,
  findingOf,
  isMissing,
  placeIn,
  python,
  useCopies,
  verifyInBoth,
  verifyInPython,
  verifyManyInPython,
  why,
  withoutFiles,
} from './support/python-verifier.ts';

const RECEIPTS = ['--receipts', join(EXPORT, 'receipts.txt')];

describe.skipIf(isMissing)(`the verifier in Python${why}`, () => {
  const copied = useCopies();

  it('passes the vectors of its parts', async () => {
    const { code, err } = await python(['-m', 'unittest']);
    expect(err).toMatch(/^Ran [2-9]\d tests/m);
    expect(err).toMatch(/^OK$/m);
    expect(code).toBe(0);
  });

  it('finds nothing broken in an export, and the same without processes', async () => {
    // Pin the key, as if the reader had it from another source.
    const pinned = [...RECEIPTS, '--log-key', join(copied().path, 'log-key')];
    const { report } = await verifyInBoth([EXPORT], pinned);
    expect(brokenIn(report)).toEqual({});
    for (const check of ['form', 'chain', 'signatures', 'receipts', 'log', 'heads']) {
      expect(findingOf(report, check), check).toMatchObject({ verdict: 'proved' });
      expect(findingOf(report, check).checked, check).toBeGreaterThan(5);
    }
    const alone = await verifyInBoth([EXPORT], [...pinned, '--workers', '1']);
    expect(alone.report).toEqual(report);
  });

  describe('with the text of a line changed', () => {
    const texts: readonly (readonly [string, (line: string) => string, string])[] = [
      ['a space', (line) => line.replace('{"', '{ "'), 'not_canonical'],
      ['a carriage return', (line) => `${line}\r`, 'not_canonical'],
      ['a byte order mark', (line) => `\uFEFF${line}`, 'not_json'],
      ['a member twice', (line) => line.replace('"at":', '"at":1,"at":'), 'not_canonical'],
      ['an escaped letter', (line) => line.replace('"at":', '"\\u0061t":'), 'not_canonical'],
      ['a number with a fraction', (line) => line.replace('"v":1', '"v":1.0'), 'not_canonical'],
      ['a number that is not exact', (line) => line.replace(/"at":\d+/, '"at":1.5'), 'malformed'],
      [
        'a huge number',
        (line) => line.replace(/"at":\d+/, `"at":${'9'.repeat(5_000)}`),
        'malformed',
      ],
      ['not a number', (line) => line.replace(/"at":\d+/, '"at":NaN'), 'not_json'],
      [
        'a lone surrogate',
        (line) => line.replace('"salt":"0x', '"tool":"\\ud800","salt":"0x'),
        'malformed',
      ],
      ['an unknown member', (line) => line.replace('"at":', '"a":1,"at":'), 'malformed'],
      ['an empty line', () => '', 'not_json'],
      ['half of the line', (line) => line.slice(0, 40), 'not_json'],
    ];

    it.each(texts)('reports %s', async (_, change, reason) => {
      const copy = copied();
      const [log = ''] = copy.logs();
      copy.write(log, copy.read(log).replace(/^.*$/m, change));
      const path = join(copy.path, log);
      const { code, report } = await verifyInBoth([path]);
      expect(brokenIn(report)).toMatchObject({ form: reason });
      expect(findingOf(report, 'form').first).toMatchObject({ file: path, line: 1 });
      expect(code).toBe(1);
    });

    it('reports deep nesting, whose member Python cannot name', async () => {
      const copy = copied();
      const [log = ''] = copy.logs();
      const deep = `"a":${'['.repeat(9_000)}${']'.repeat(9_000)},"at":`;
      copy.write(log, copy.read(log).replace('"at":', deep));
      const { report } = await verifyInPython([join(copy.path, log)]);
      expect(brokenIn(report)).toMatchObject({ form: 'malformed' });
    });

    it('reports bytes that are no UTF-8, and a line without an end', async () => {
      const copy = copied();
      const [one = '', two = ''] = copy.logs();
      copy.write(one, Uint8Array.of(0x22, 0xff, 0x22, 0x0a));
      copy.write(two, 'x'.repeat(20_000_000));
      const { code, report } = await verifyInBoth([join(copy.path, one)]);
      expect(brokenIn(report)).toEqual({ form: 'not_utf8' });
      expect(code).toBe(1);
      expect(brokenIn((await verifyInBoth([join(copy.path, two)])).report)).toEqual({
        form: 'line_too_long',
      });
    });
  });

  it('stops at a decompression bomb and at broken lines, and so does the other verifier', async () => {
    const copy = copied();
    const bombs = [
      ['expands', 'x'.repeat(999).concat('\n').repeat(20_000)],
      ['not_json', '\n'.repeat(20_000_000)],
      ['not_json', `${`"policy":{${' '.repeat(300)}\n`.repeat(100_000)}`],
    ] as const;
    for (const [reason, text] of bombs) {
      copy.write('entries/bomb.ndjson.gz', gzipSync(text));
      const from = performance.now();
      const { code, report } = await verifyInBoth([join(copy.path, 'entries/bomb.ndjson.gz')]);
      expect(brokenIn(report)).toEqual({ form: reason });
      expect(findingOf(report, 'form').first).toMatchObject({ line: 1 });
      expect(code).toBe(1);
      // Without its limits, the verifier needs minutes for 20 kB of such a file.
      expect(performance.now() - from).toBeLessThan(20_000);
    }
    const leaves = 'log/2026/leaves.ndjson';
    copy.remove('entries/bomb.ndjson.gz');
    copy.write(leaves, `${'\n'.repeat(1_000_000)}${copy.read(leaves)}`);
    const { report } = await verifyInBoth([copy.path]);
    expect(findingOf(report, 'log').first).toMatchObject({ line: 1, reason: 'malformed_leaf' });
    expect(findingOf(report, 'log').checked).toBeLessThan(200);
  });

  it('gives the verdicts of the TypeScript verifier for an export and for every change of it', async () => {
    const original = await loadExport();
    const changes = [...SOUND, ...MUTATIONS];
    const names = changes.map(({ name }) => name);
    const all = await Promise.all(changes.map(async ({ change }) => await change(original)));
    const found = await verifyManyInPython(all);
    for (const [at, texts] of all.entries()) {
      const expected = await reportOf(texts);
      const ids = expected.checks.map(({ check }) => check);
      const report = found[at];
      if (report === undefined) throw new Error(`no report on ${names[at]}`);
      expect([names[at], withoutFiles(report, ids)]).toEqual([
        names[at],
        withoutFiles(expected, ids),
      ]);
    }
  });

  it('reads compressed logs and single files, and finds an entry by its hash', async () => {
    const copy = copied();
    const { log } = placeIn(copy, 'credit.lent');
    const [, second] = copy.entries(log);
    copy.write(`${log}.gz`, gzipSync(copy.read(log)));
    copy.remove(log);
    const { report } = await verifyInBoth([copy.path], ['--contains', String(second?.prev)]);
    expect(brokenIn(report)).toEqual({});
    expect(findingOf(report, 'contains')).toMatchObject({ verdict: 'proved', checked: 1 });
    expect(findingOf(report, 'contains').note).toMatch(/leaf \d+ of .+\/log\/2026/);
    copy.write(`${log}.gz`, gzipSync('x'.repeat(1_000)).subarray(0, 20));
    const { report: damaged } = await verifyInBoth([join(copy.path, `${log}.gz`)]);
    expect(brokenIn(damaged)).toEqual({ form: 'not_gzip' });
  });

  it('ends with 3 for wrong usage, and never with the code for a broken log', async () => {
    const empty = await python(['verify.py', '/does/not/exist']);
    expect([empty.code, empty.err]).toEqual([3, expect.stringContaining('does not exist')]);
    expect((await python(['verify.py'])).code).toBe(3);
    expect((await python(['verify.py', EXPORT, '--contains', '0x12'])).code).toBe(3);
    expect((await python(['verify.py', EXPORT, '--unknown'])).code).toBe(3);
  });
});
