import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/protocol/entry.ts';
import { loadExport, MUTATIONS, reportOf } from '../support/export-mutations.ts';
import {
  brokenIn,
  type Copy,
  EXPORT,
  findingOf,
  isMissing,
  python,
  relinked,
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

  /** The log that has an entry of a type, and the place of the entry in it. */
  const place = (copy: Copy, type: string): { readonly log: string; readonly at: number } => {
    for (const log of copy.logs()) {
      const at = copy.entries(log).findIndex((entry) => entry.type === type);
      if (at >= 0) return { log, at };
    }
    throw new Error(`no log has ${type}`);
  };

  /** Changes the first entry of a type. */
  const edit = (
    copy: Copy,
    type: string,
    change: (entry: Entry) => Entry,
    then: (entries: readonly Entry[]) => readonly Entry[] = (entries) => entries,
  ): string => {
    const { log, at } = place(copy, type);
    copy.put(log, then(copy.entries(log).with(at, change(copy.entries(log)[at] as Entry))));
    return log;
  };

  it('passes the vectors of its parts', async () => {
    const { code, err } = await python(['-m', 'unittest']);
    expect(err).toMatch(/^Ran [2-9]\d tests/m);
    expect(err).toMatch(/^OK$/m);
    expect(code).toBe(0);
  });

  it('finds nothing broken in an export, and the same without processes', async () => {
    const { report } = await verifyInBoth([EXPORT], RECEIPTS);
    expect(brokenIn(report)).toEqual({});
    for (const check of ['form', 'chain', 'signatures', 'receipts', 'log']) {
      expect(findingOf(report, check), check).toMatchObject({ verdict: 'proved' });
      expect(findingOf(report, check).checked, check).toBeGreaterThan(5);
    }
    const alone = await verifyInBoth([EXPORT], [...RECEIPTS, '--workers', '1']);
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

  describe('with entries changed', () => {
    const dearer = (entry: Entry): Entry => ({ ...entry, at: entry.at + 1 });

    it('names an entry that was changed after the next one was written', async () => {
      const copy = copied();
      const log = edit(copy, 'credit.lent', dearer);
      const { report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toEqual({ chain: 'altered', log: 'not_as_logged' });
      const at = place(copy, 'credit.lent').at;
      expect(findingOf(report, 'chain').first).toMatchObject({
        file: join(copy.path, log),
        line: at + 1,
        seq: at + 1,
      });
    });

    it('finds a chain that was written again under the leaves of the log', async () => {
      const copy = copied();
      edit(copy, 'credit.lent', dearer, relinked);
      const { report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toEqual({ log: 'not_as_logged' });
    });

    const swapped = ([one, other, ...rest]: readonly Entry[]): readonly Entry[] =>
      [other, one, ...rest].filter((entry) => entry !== undefined);
    it.each([
      ['dropped', (entries: readonly Entry[]) => entries.toSpliced(1, 1), 'gap'],
      [
        'repeated',
        (entries: readonly Entry[]) => entries.toSpliced(1, 0, ...entries.slice(1, 2)),
        'repeated',
      ],
      ['swapped', swapped, 'repeated'],
    ])('names an entry that was %s', async (_, change, reason) => {
      const copy = copied();
      const { log } = place(copy, 'credit.lent');
      copy.put(log, change(copy.entries(log)));
      const { report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toMatchObject({ chain: reason });
    });

    it('names an entry of another account', async () => {
      const copy = copied();
      const [one = '', two = ''] = copy.logs();
      copy.put(one, [...copy.entries(one), ...copy.entries(two)]);
      const { report } = await verifyInBoth([join(copy.path, one)]);
      expect(brokenIn(report)).toMatchObject({ chain: 'foreign_account' });
    });

    it('finds a chain that was cut off, and one that is missing', async () => {
      const copy = copied();
      const { log } = place(copy, 'credit.lent');
      copy.put(log, copy.entries(log).slice(0, -1));
      const cut = await verifyInBoth([copy.path]);
      expect(brokenIn(cut.report)).toEqual({ log: 'truncated' });
      copy.remove(log);
      const missing = await verifyInBoth([copy.path]);
      expect(findingOf(missing.report, 'chain').verdict).toBe('not checked');
      expect(findingOf(missing.report, 'log').verdict).toBe('not checked');
    });
  });

  describe('with a signature or a signed field changed, and the chain written again', () => {
    type Evidence = Readonly<Record<string, Readonly<Record<string, string>>>>;
    const with_ = (entry: Entry, name: string, value: unknown): Entry => ({
      ...entry,
      evidence: { ...entry.evidence, [name]: value as string },
    });
    const inside = (entry: Entry, name: string, changed: object): Entry =>
      with_(entry, name, { ...(entry.evidence as Evidence)[name], ...changed });
    const zeros = `0x${'00'.repeat(65)}`;

    const cases: readonly (readonly [string, string, (entry: Entry) => Entry, string])[] = [
      [
        'a signature of zeros',
        'call.accepted',
        (entry) => with_(entry, 'intentSignature', zeros),
        'recovery_byte',
      ],
      [
        'no signature',
        'account.policy',
        (entry) => ({ ...entry, evidence: { by: entry.account } }),
        'missing',
      ],
      ['no evidence', 'grant.issued', ({ evidence: _, ...entry }) => entry, 'missing'],
      [
        'an intent for a higher amount',
        'call.accepted',
        (entry) => inside(entry, 'intent', { maxAmount: '99999999' }),
        'mismatch',
      ],
      [
        'an order of another day',
        'account.policy',
        (entry) => inside(entry, 'order', { validAfter: '1' }),
        'wrong_signer',
      ],
      [
        'the text of a policy',
        'account.policy',
        (entry) => with_(entry, 'policy', { windows: [] }),
        'mismatch',
      ],
      [
        'a grant without a limit',
        'grant.issued',
        (entry) => inside(entry, 'delegation', { maxTotal: '99999999999' }),
        'mismatch',
      ],
      [
        'a revocation of another grant',
        'grant.revoked',
        (entry) => inside(entry, 'revocation', { id: `0x${'11'.repeat(32)}` }),
        'mismatch',
      ],
      [
        'another payment signature',
        'payment.settled',
        (entry) => with_(entry, 'signature', zeros),
        'mismatch',
      ],
      [
        'no payment signature',
        'payment.settled',
        (entry) => ({ ...entry, evidence: {} }),
        'missing',
      ],
      [
        'a denial of another call',
        'call.denied',
        (entry) => inside(entry, 'intent', { tool: 'other' }),
        'mismatch',
      ],
      [
        'a price above the signed one',
        'call.accepted',
        (entry) => ({ ...entry, amounts: { price: '900000000' } }),
        'mismatch',
      ],
      [
        'a signature where none belongs',
        'call.finished',
        (entry) => with_(entry, 'signature', zeros),
        'unexpected',
      ],
    ];

    it.each(cases)('reports %s', async (_, type, change, reason) => {
      const copy = copied();
      edit(copy, type, change, relinked);
      const { code, report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toMatchObject({ signatures: reason, log: 'not_as_logged' });
      expect(findingOf(report, 'signatures').first).toMatchObject({
        file: join(copy.path, place(copy, type).log),
        line: place(copy, type).at + 1,
      });
      expect(code).toBe(1);
    });

    it('reports a signature with the other s', async () => {
      const copy = copied();
      const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
      edit(
        copy,
        'grant.issued',
        (entry) => {
          const signature = entry.evidence?.['signature'] as string;
          const s = (order - BigInt(`0x${signature.slice(66, 130)}`))
            .toString(16)
            .padStart(64, '0');
          const v = signature.endsWith('1b') ? '1c' : '1b';
          return with_(entry, 'signature', signature.slice(0, 66) + s + v);
        },
        relinked,
      );
      const { report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toMatchObject({ signatures: 'high_s' });
    });
  });

  describe('with a decision or an amount changed, and the chain written again', () => {
    const amounts = (entry: Entry, changed: object): Entry => ({
      ...entry,
      amounts: { ...entry.amounts, ...changed },
    });
    const outcome = (entry: Entry, changed: object): Entry => ({
      ...entry,
      outcome: { ...entry.outcome, ...changed },
    });
    const payment = (entry: Entry, changed: object): Entry => ({
      ...entry,
      payment: { ...entry.payment, ...changed },
    });
    const cases: readonly (readonly [string, string, (entry: Entry) => Entry, object])[] = [
      [
        'a lower price',
        'call.accepted',
        (e) => amounts(e, { price: '1' }),
        { prices: 'wrong_price' },
      ],
      [
        'a higher charge',
        'call.finished',
        (e) => amounts(e, { charged: '9000000' }),
        { payments: 'wrong_amount' },
      ],
      [
        'a failure as a success',
        'call.finished',
        (e) => outcome(e, { success: false }),
        { calls: 'wrong_transition' },
      ],
      [
        'a settled payment as open',
        'call.finished',
        (e) => payment(e, { state: 'sent' }),
        { calls: 'wrong_transition' },
      ],
      [
        'another amount on the chain',
        'payment.settled',
        (e) => amounts(e, { amount: '7' }),
        { payments: 'wrong_amount' },
      ],
      [
        'a refund of more',
        'call.refunded',
        (e) => amounts(e, { amount: '1001', refunded: '1001' }),
        { payments: 'wrong_amount' },
      ],
      [
        'a call of another grant',
        'call.accepted',
        (e) => payment(e, { grant: `0x${'1'.repeat(64)}` }),
        { limits: 'wrong_grant' },
      ],
      [
        'a denial by another rule',
        'call.denied',
        (e) => ({ ...e, rule: 'tool' }),
        { denials: 'wrong_rule' },
      ],
      [
        'a denial with another limit',
        'call.denied',
        (e) => outcome(e, { limit: { ...(e.outcome?.['limit'] as object), spent: '1' } }),
        { denials: 'wrong_limit' },
      ],
      [
        'a denial at another place',
        'call.denied',
        (e) => outcome(e, { after: 1_000 }),
        { denials: 'wrong_place' },
      ],
      [
        'a denial that names no place',
        'call.denied',
        ({ outcome, ...e }) => {
          const { after: _, ...others } = outcome ?? {};
          return { ...e, outcome: others };
        },
        { denials: 'wrong_place' },
      ],
    ];

    it.each(cases)('reports %s', async (_, type, change, found) => {
      const copy = copied();
      edit(copy, type, change, relinked);
      const { report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toMatchObject(found);
    });

    it('reports a call that is accepted twice, and one whose settlement is left out', async () => {
      const copy = copied();
      const { log, at } = place(copy, 'payment.settled');
      const entries = copy.entries(log);
      copy.put(log, relinked(entries.toSpliced(at, 1)));
      expect(brokenIn((await verifyInBoth([copy.path])).report)).toMatchObject({
        calls: 'wrong_transition',
      });
      const first = entries.findIndex(({ type: of }) => of === 'call.accepted');
      copy.put(log, relinked([...entries, entries[first] as Entry]));
      expect(brokenIn((await verifyInBoth([copy.path])).report)).toMatchObject({
        calls: 'accepted_twice',
      });
    });
  });

  describe('with the log or receipts changed', () => {
    const lineOf = (copy: Copy, name: string, at: number, change: (line: string) => string): void =>
      copy.write(
        name,
        copy
          .read(name)
          .split('\n')
          .map((line, index) => (index === at ? change(line) : line))
          .join('\n'),
      );

    it.each([
      [
        'a leaf changed',
        (copy: Copy) =>
          lineOf(copy, 'leaves.ndjson', 0, (line) => line.replace(/root ./, 'root A')),
        'other_root',
      ],
      [
        'a leaf left out',
        (copy: Copy) =>
          copy.write('leaves.ndjson', copy.read('leaves.ndjson').replace(/^.*\n/, '')),
        'leaf_missing',
      ],
      [
        'a leaf twice',
        (copy: Copy) =>
          copy.write('leaves.ndjson', copy.read('leaves.ndjson').replace(/^(.*\n)/, '$1$1')),
        'leaf_missing',
      ],
      [
        'another size',
        (copy: Copy) => lineOf(copy, 'checkpoint', 1, (size) => String(Number(size) - 1)),
        'wrong_signer',
      ],
      [
        'another root',
        (copy: Copy) =>
          lineOf(copy, 'checkpoint', 2, (root) =>
            root.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')),
          ),
        'wrong_signer',
      ],
      [
        'no signature',
        (copy: Copy) => copy.write('checkpoint', copy.read('checkpoint').replace(/— .*\n$/, '')),
        'malformed_checkpoint',
      ],
      [
        'another key',
        (copy: Copy) =>
          copy.write(
            'log-key',
            'gateway.example/log/2026+49c1ef09+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4',
          ),
        'unsigned',
      ],
      ['a key that is none', (copy: Copy) => copy.write('log-key', 'key'), 'malformed_key'],
    ])('reports %s', async (_, change, reason) => {
      const copy = copied();
      change(copy);
      const { report } = await verifyInBoth([copy.path]);
      expect(brokenIn(report)).toEqual({ log: reason });
    });

    it('reports receipts that are changed or name no entry', async () => {
      const copy = copied();
      const [first = ''] = copy.read('receipts.txt').split('\n');
      const [header = '', payload = '', signature = ''] = first.split('.');
      copy.write('receipts.txt', `${header}.${payload.replace(/^./, 'f')}.${signature}\n`);
      const receipts = ['--receipts', join(copy.path, 'receipts.txt')];
      expect(brokenIn((await verifyInBoth([copy.path], receipts)).report)).toEqual({
        receipts: 'wrong_signer',
      });
      copy.write('receipts.txt', `${first}\n`);
      const { agent } = decodeJwt(first) as { readonly agent: string };
      const log = join('entries', `${agent.replaceAll(':', '_')}.ndjson`);
      const end = copy.entries(log).at(-1) as Entry;
      copy.put(log, relinked([...copy.entries(log).slice(0, 2), { ...end, at: end.at + 1_000 }]));
      expect(brokenIn((await verifyInBoth([copy.path], receipts)).report)).toMatchObject({
        receipts: 'entry_missing',
      });
    });
  });

  it('gives the verdicts of the TypeScript verifier for an export and for every change of it', async () => {
    const original = await loadExport();
    const changed = await Promise.all(MUTATIONS.map(async ({ change }) => await change(original)));
    const names = ['an export as it was written', ...MUTATIONS.map(({ name }) => name)];
    const all = [original, ...changed];
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
    const { log } = place(copy, 'credit.lent');
    const [, second] = copy.entries(log);
    copy.write(`${log}.gz`, gzipSync(copy.read(log)));
    copy.remove(log);
    const { report } = await verifyInBoth([copy.path], ['--contains', String(second?.prev)]);
    expect(brokenIn(report)).toEqual({});
    expect(findingOf(report, 'contains')).toMatchObject({ verdict: 'proved', checked: 1 });
    expect(findingOf(report, 'contains').note).toContain('of the log');
    copy.write(`${log}.gz`, gzipSync('x'.repeat(1_000)).subarray(0, 20));
    const { report: damaged } = await verifyInBoth([join(copy.path, `${log}.gz`)]);
    expect(brokenIn(damaged)).toEqual({ form: 'not_gzip' });
  });

  it('ends with 3 for wrong usage, and never with the code for a broken log', async () => {
    const empty = await python(['verify.py', '/does/not/exist']);
    expect([empty.code, empty.err]).toEqual([3, expect.stringContaining('is no file')]);
    expect((await python(['verify.py'])).code).toBe(3);
    expect((await python(['verify.py', EXPORT, '--contains', '0x12'])).code).toBe(3);
    expect((await python(['verify.py', EXPORT, '--unknown'])).code).toBe(3);
  });
});
