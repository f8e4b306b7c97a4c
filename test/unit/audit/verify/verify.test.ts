import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { entryText } from '../../../../src/audit/entry.ts';
import type { CheckId, Finding } from '../../../../src/audit/verify/check.ts';
import type { LogFile } from '../../../../src/audit/verify/lines.ts';
import { exitCodeOf, type Report } from '../../../../src/audit/verify/report.ts';
import { type Export, verify, type VerifyOptions } from '../../../../src/audit/verify/verify.ts';
import type { Entry } from '../../../../src/protocol/entry.ts';
import { CHIEF, cutOffLog, naming, OWNER } from '../../../support/cut-off-log.ts';
import { fileOf, textOf } from '../../../support/verify-log.ts';
import { byBound, byIntent, digest, ended, granted, logOf, OTHER, signed } from './signed-log.ts';

const entries = logOf([byBound(), ended(digest, { signature: signed.bound }), granted()]);
const text = textOf(entries);

const reportOn = async (
  content: string,
  more: Partial<Export> = {},
  options: VerifyOptions = {},
): Promise<Report> => await verify({ entries: [fileOf('log.ndjson', content)], ...more }, options);
const of = (report: Report, id: CheckId): Finding | undefined =>
  report.checks.find(({ check }) => check === id);

const packed = async (content: string): Promise<Uint8Array<ArrayBuffer>> => {
  const stream = new Blob([content]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};

describe('a log', () => {
  it('is proved as far as its file shows', async () => {
    const report = await reportOn(text);
    expect(report).toMatchObject({ v: 1, entries: 3, accounts: 1 });
    expect(of(report, 'form')).toMatchObject({ verdict: 'proved', checked: 3 });
    expect(of(report, 'chain')).toMatchObject({ verdict: 'proved', checked: 3 });
    expect(of(report, 'signatures')).toMatchObject({ verdict: 'proved', checked: 2 });
    expect(of(report, 'receipts')).toMatchObject({ verdict: 'not checked' });
    // The log's call has no funds and never ran.
    expect(of(report, 'calls')).toMatchObject({ verdict: 'BROKEN' });
    expect(exitCodeOf(report.verdict)).toBe(1);
  });

  const [first, second, third] = entries as readonly [Entry, Entry, Entry];
  it.each([
    ['an altered entry', [{ ...first, at: first.at + 1 }, second, third], 1, 'altered'],
    ['another link', [first, second, { ...third, prev: first.prev }], 3, 'unlinked'],
    ['an entry left out', [first, third], 3, 'gap'],
  ] as const)('is broken by %s (law 11)', async (_, changed, seq, reason) => {
    const chain = of(await reportOn(textOf(changed)), 'chain');
    expect(chain).toMatchObject({ verdict: 'BROKEN', first: { seq, reason } });
  });

  it.each([
    ['proved', 0],
    ['bounded', 0],
    ['BROKEN', 1],
    ['not checked', 2],
    ['open', 4],
  ] as const)('that is %s ends the command with %i', (verdict, code) => {
    expect(exitCodeOf(verdict)).toBe(code);
  });

  it('may be compressed, and in chunks of any size', async () => {
    const bytes = new TextEncoder().encode(text);
    const small = await packed(text);
    const file = (name: string, content: Uint8Array, size: number): LogFile => ({
      name,
      open: async function* () {
        for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
      },
    });
    for (const given of [file('a.ndjson.gz', small, 7), file('a.ndjson', bytes, 1)]) {
      const whole = await verify({ entries: [given] });
      expect(whole.entries).toBe(3);
      expect(of(whole, 'chain')).toMatchObject({ verdict: 'proved', checked: 3 });
    }
    const cut = file('a.ndjson.gz', small.subarray(0, small.length - 9), 64);
    const report = await verify({ entries: [cut] });
    expect(of(report, 'form')?.first).toMatchObject({ reason: 'not_gzip' });
  });

  it.each([
    ['two members', [text, text], 0, 'not_gzip'],
    ['a byte after its member', [text], 1, 'not_gzip'],
    [
      'a text that is a hundred and thirty times as long',
      ['x'.repeat(999).concat('\n').repeat(2_000)],
      0,
      'expands',
    ],
  ])('is not read from a gzip file with %s', async (_, texts, more, reason) => {
    const members = await Promise.all(texts.map(packed));
    const bytes = await new Blob([...members, new Uint8Array(more)]).bytes();
    const open = async function* () {
      yield bytes;
    };
    const report = await verify({ entries: [{ name: 'a.ndjson.gz', open, size: bytes.length }] });
    expect(report.entries).toBe(0);
    expect(of(report, 'form')).toMatchObject({ checked: 1, first: { line: 1, reason } });
  });

  it('that begins in the middle is incomplete', async () => {
    const report = await reportOn(textOf(entries.slice(1)));
    expect(of(report, 'chain')).toMatchObject({ verdict: 'not checked', unchecked: 1 });
    expect(exitCodeOf(report.verdict)).toBe(2);
  });

  it('is incomplete if the manifest lists more', async () => {
    const { account } = entries[0] as Entry;
    const listed = [
      { account, first: 1, last: 4 },
      { account: OTHER, first: 1, last: 1 },
    ];
    const report = await reportOn(text, { listed });
    expect(of(report, 'chain')).toMatchObject({ verdict: 'not checked', unchecked: 2 });
    expect(of(report, 'chain')?.note).toContain('entries 4 to 4');
  });
});

describe('the text of a log', () => {
  const lines = text.trimEnd().split('\n');
  const second = lines[1] as string;
  const formOf = async (line: string) =>
    of(await reportOn(`${lines.with(1, line).join('\n')}\n`), 'form')?.first;

  it.each([
    ['no JSON', 'x', 'not_json', undefined],
    ['an empty line', '', 'not_json', undefined],
    ['a carriage return', `${second}\r`, 'not_canonical', undefined],
    ['bytes after the entry', `${second} `, 'not_canonical', undefined],
    ['two entries in one line', `${second}${second}`, 'not_json', undefined],
    ['a member twice', second.replace('{', '{"account":"x",'), 'not_canonical', undefined],
    ['another order', second.replace(',"v":1}', '}').replace('{', '{"v":1,'), 'not_canonical', undefined],
    ['an escape that is not needed', second.replace('"type"', '"\\u0074ype"'), 'not_canonical', undefined],
    ['an unknown member', second.replace('{', '{"Admin":1,'), 'malformed', 'Admin'],
    ['a fraction', second.replace('"at":', '"at":0.5,"x":'), 'malformed', 'at'],
    ['minus zero', second.replace(/"at":\d+/, '"at":-0'), 'not_canonical', undefined],
    ['an exponent', second.replace(/"at":(\d+)/, '"at":$1e0'), 'not_canonical', undefined],
    ['a lone surrogate', second.replace('"tool":"translate"', '"tool":"\\ud800"'), 'malformed', 'tool'],
    ['deep nesting', second.replace('"evidence":{', `"evidence":{"a":${'['.repeat(9_000)}${']'.repeat(9_000)},`), 'malformed', 'evidence'],
    ['a line that is too long', second.replace('"tool":"translate"', `"tool":"${'x'.repeat(70_000)}"`), 'line_too_long', undefined],
    ['a byte order mark', `\uFEFF${second}`, 'not_json', undefined],
  ])('is refused with %s', async (_, line, reason, field) => {
    expect(line).not.toBe(second);
    expect(await formOf(line)).toMatchObject({ file: 'log.ndjson', line: 2, reason, ...(field === undefined ? {} : { field }) });
  }); // prettier-ignore

  it('is refused if it is not UTF-8, or if there is none', async () => {
    const bytes = new TextEncoder().encode(text);
    const at = text.indexOf('translate');
    bytes[at] = 0xff;
    const open = async function* () {
      yield bytes;
    };
    const report = await verify({ entries: [{ name: 'log.ndjson', open }] });
    expect(of(report, 'form')?.first).toMatchObject({ line: 1, reason: 'not_utf8' });
    expect(of(await reportOn(''), 'form')?.first).toMatchObject({ reason: 'empty' });
    expect(await verify({ entries: [] })).toMatchObject({ verdict: 'BROKEN' });
  });

  it('is read to its end after a line that is no entry', async () => {
    const report = await reportOn(`${lines.with(1, 'x').join('\n')}\n`);
    expect(report).toMatchObject({ verdict: 'BROKEN', entries: 2 });
    expect(of(report, 'chain')?.first).toMatchObject({ seq: 3, reason: 'gap' });
  });

  it.each(['', `{"policy":{${' '.repeat(200)}`])(
    'is read up to its hundredth broken line: %j',
    async (line) => {
      const report = await reportOn(`${`${line}\n`.repeat(500)}${text}`);
      expect(report.entries).toBe(0);
      expect(of(report, 'form')).toMatchObject({ checked: 100, first: { line: 1 } });
    },
  );
});

describe('many files', () => {
  it('may hold the parts of one chain in any order, and the chains of many accounts', async () => {
    const other = logOf([byIntent()], OTHER).map((entry) => entryText(entry));
    const files = [
      fileOf('b.ndjson', textOf(entries.slice(2))),
      fileOf('c.ndjson', `${other.join('\n')}\n`),
      fileOf('a.ndjson', textOf(entries.slice(0, 2))),
    ];
    const report = await verify({ entries: files });
    expect(of(report, 'chain')).toMatchObject({ verdict: 'proved', checked: 4 });
    // The intent belongs to another account.
    expect(of(report, 'signatures')?.first).toMatchObject({ account: OTHER, file: 'c.ndjson' });
  });

  it('are broken if one holds entries of two accounts, or two hold the same entries', async () => {
    const other = textOf(logOf([granted()], OTHER));
    expect(of(await reportOn(text + other), 'chain')?.first).toMatchObject({
      reason: 'foreign_account',
    });
    const twice = await verify({ entries: [fileOf('a', text), fileOf('b', text)] });
    expect(of(twice, 'chain')?.first).toMatchObject({ file: 'b', seq: 1, reason: 'repeated' });
  });
});

describe('the exported log of a fleet', () => {
  const folder = join(import.meta.dirname, '../../../vectors/audit-export/entries');
  /** An agent with a grant, two calls from its owner's credit, and two denials. */
  const AGENT = '0x39c40f31fbeace16cd7bfa5b38de85f6bdc5a23b';
  const reportWith = async (changed: string, into: string): Promise<Report> => {
    const files = readdirSync(folder).map((name) => {
      const content = readFileSync(join(folder, name), 'utf8');
      return fileOf(name, name.includes(AGENT) ? content.replace(changed, into) : content);
    });
    return await verify({ entries: files });
  };

  it('has every call, payment, price, limit and denial judged', async () => {
    const report = await reportWith('', '');
    const judged = { signatures: 27, calls: 35, payments: 39, prices: 16, limits: 14 } as const;
    for (const [id, checked] of Object.entries(judged))
      expect(of(report, id as CheckId)).toMatchObject({ verdict: 'proved', checked });
    expect(of(report, 'denials')).toMatchObject({ verdict: 'bounded', checked: 2 });
    expect(of(report, 'totals')).toMatchObject({ verdict: 'bounded', checked: 14 });
  });

  it.each([
    ['limits', 'a call above its limit', '"amounts":{"price":"1000"}', '900000', 'per_call'],
    ['denials', 'a denial with another sum', '"remaining":"500"', '5000', 'wrong_limit'],
  ] as const)('has broken %s by %s', async (id, _, changed, value, reason) => {
    const report = await reportWith(changed, changed.replace(/\d+/, value));
    expect(of(report, id)).toMatchObject({ verdict: 'BROKEN', first: { reason } });
  });
});

describe('an entry that names a cut-off', () => {
  const BY_OWNER = 'the owner revokes the grant of the chief';
  it.each([
    ['that the chains above show', BY_OWNER, [OWNER], 'proved'],
    ['that nobody made', undefined, [OWNER], 'BROKEN'],
    ['below the one that was made', BY_OWNER, [CHIEF, OWNER], 'BROKEN'],
  ] as const)(
    'is compared with the chains of the ancestors: one %s',
    async (_, deed, above, verdict) => {
      const logs = [...cutOffLog(deed, [naming([...above])])];
      const files = logs.map(([account, log]) => fileOf(account, textOf(log)));
      expect(of(await verify({ entries: files }), 'totals')).toMatchObject({ verdict });
    },
  );
});

describe('an entry that must be there', () => {
  it('is named with its place, and its absence breaks the check', async () => {
    const hash = (entries[2] as Entry).prev;
    const report = await reportOn(text, {}, { contains: hash });
    expect(of(report, 'contains')).toMatchObject({
      verdict: 'proved',
      note: expect.stringContaining('entry 2 of eip155:') as string,
    });
    const absent = await reportOn(text, {}, { contains: `0x${'00'.repeat(32)}` });
    expect(of(absent, 'contains')?.first).toMatchObject({ reason: 'not_found' });
    expect(exitCodeOf(absent.verdict)).toBe(1);
  });
});

describe('memory', () => {
  it('holds one entry at a time, however long the file is', async () => {
    const count = 500;
    let read = 0;
    let chunks = 0;
    let most = 0;
    const line = `${lines0}\n`;
    const bytes = new TextEncoder().encode(line);
    const open = async function* () {
      for (let at = 0; at < count; at += 1) {
        chunks += 1;
        yield bytes;
      }
    };
    await verify(
      { entries: [{ name: 'long.ndjson', open }] },
      {
        progress: ({ entries: seen }) => {
          read = seen;
          if (chunks > count) most = Math.max(most, chunks - count - read);
        },
      },
    );
    expect(read).toBeGreaterThan(count - 3);
    expect(most).toBeLessThan(3);
  });
});

const lines0 = text.split('\n')[0] as string;
