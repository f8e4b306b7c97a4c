import { describe, expect, it } from 'vitest';
import { faultWords, REASONS } from '../../src/audit/verify/fault-words.ts';
import {
  type Copy,
  isMissing,
  python,
  useCopies,
  verifyInBoth,
  why,
} from './support/python-verifier.ts';

const LEAVES = 'log/2026/leaves.ndjson';
const CHECKPOINT = 'log/2026/checkpoint';

const linesOf = (copy: Copy, name: string): string[] => copy.read(name).trimEnd().split('\n');
const put = (copy: Copy, name: string, lines: readonly string[]): void =>
  copy.write(name, `${lines.join('\n')}\n`);

/** Removes the log of the gateway's own account, the last file, and returns its texts as an owner's export has them. */
const asOwner = (copy: Copy): readonly string[] => {
  const log = copy.logs().at(-1) ?? '';
  const texts = copy.entries(log).flatMap(({ evidence, outcome }) => {
    const text = evidence?.['document'] ?? evidence?.['policy'];
    return text === undefined ? [] : [JSON.stringify({ hash: outcome?.['hash'], text })];
  });
  copy.remove(log);
  return texts;
};

type Alteration = readonly [name: string, alter: (copy: Copy) => void, check: string, text: RegExp];

const ALTERATIONS: readonly Alteration[] = [
  [
    'a price changed in the texts',
    (copy) =>
      put(
        copy,
        'texts.ndjson',
        asOwner(copy).map((line) => line.replace(/"price":"\d/, '"price":"9')),
      ),
    'form',
    /texts\.ndjson.* has a text that does not match its hash: the text was changed/,
  ],
  [
    'a price changed in the texts, for the check of prices',
    (copy) =>
      put(
        copy,
        'texts.ndjson',
        asOwner(copy).map((line) => line.replace(/"price":"\d/, '"price":"9')),
      ),
    'prices',
    /the terms 0x[0-9a-f]{64} of a tool were changed: .*texts\.ndjson line \d+ has others/,
  ],
  [
    "a price changed in the gateway's own account",
    (copy) => {
      const log = copy.logs().at(-1) ?? '';
      copy.write(log, copy.read(log).replaceAll(/"price":"\d/g, '"price":"9'));
    },
    'prices',
    /the terms 0x[0-9a-f]{64} of a tool were changed: .*\.ndjson line \d+ has others/,
  ],
  [
    'the log of another gateway',
    (copy) => {
      // Rename every account. The checkpoint stays signed by the key in the folder.
      for (const log of copy.logs()) {
        const other = copy.read(log).replaceAll(/eip155:84532:0x./g, 'eip155:84532:0x_');
        copy.write(log, other.replaceAll('0x_', log.includes('0xf') ? '0x0' : '0xf'));
      }
    },
    'log',
    /\/log\/2026 has no leaf of any account in the files: it is the log of another gateway/,
  ],
  [
    'two lines swapped',
    (copy) => {
      const [log = ''] = copy.logs();
      const lines = linesOf(copy, log);
      put(copy, log, lines.with(2, lines[5] ?? '').with(5, lines[2] ?? ''));
    },
    'chain',
    /entry 6 of eip155:\S+ is out of order: entries that belong before it come later in the files/,
  ],
  [
    'a line removed',
    (copy) => {
      const [log = ''] = copy.logs();
      put(copy, log, linesOf(copy, log).toSpliced(2, 1));
    },
    'chain',
    /entry 4 of eip155:\S+ does not follow the entry before it: entries are missing/,
  ],
  [
    'the last leaf removed',
    (copy) => put(copy, LEAVES, linesOf(copy, LEAVES).slice(0, -1)),
    'log',
    /leaves\.ndjson.* is not followed by all leaves of the checkpoint, .*: a leaf was removed/,
  ],
  [
    'a forged root',
    (copy) => put(copy, CHECKPOINT, linesOf(copy, CHECKPOINT).with(2, `${'A'.repeat(43)}=`)),
    'log',
    /checkpoint.* has a signature that does not verify: it was changed after it was signed, or signed with another key/,
  ],
];

describe.skipIf(isMissing)(`the text about an export with${why}`, () => {
  const copied = useCopies();

  it.each(ALTERATIONS)('%s names the fault in both languages', async (_, alter, check, text) => {
    const copy = copied();
    alter(copy);
    const found = (await verifyInBoth([copy.path])).report.checks.find(
      (each) => each.check === check,
    );
    const { note = '', first } = found ?? {};
    const { account, seq, file, line } = first ?? {};
    const what = seq === undefined ? `${file}:${line}` : `entry ${seq} of ${account}`;
    const words = first === undefined ? note : `${what} ${faultWords(first as never)}`;
    expect(words).toMatch(text);
    const { out } = await python(['verify.py', copy.path, '--workers', '1']);
    expect(out).toMatch(text);
  });
});

describe.skipIf(isMissing)(`the Python verifier${why}`, () => {
  it('has the words of the other verifier', async () => {
    const { out } = await python([
      '-c',
      'import json, fault_words; print(json.dumps(fault_words.REASONS))',
    ]);
    expect(JSON.parse(out)).toEqual(REASONS);
  });
});
