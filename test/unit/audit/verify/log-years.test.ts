import { describe, expect, test } from 'vitest';
import { checkpointText } from '../../../../src/audit/log/checkpoint.ts';
import { leafOf, leafText } from '../../../../src/audit/log/leaf.ts';
import { inclusionProof, leafHash, rootOf } from '../../../../src/audit/log/merkle-tree.ts';
import { signNote } from '../../../../src/audit/log/note-signature.ts';
import { verifierKey, writeNote } from '../../../../src/audit/log/signed-note.ts';
import { appendToTiles, hashesOnce, tilePath } from '../../../../src/audit/log/tile.ts';
import type { LogEvidence } from '../../../../src/audit/verify/log-evidence.ts';
import { readYears } from '../../../../src/audit/verify/log-years.ts';
import { createTally } from '../../../../src/audit/verify/tally.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { encodeBase64, sha256Hex, utf8 } from '../../../../src/crypto/bytes.ts';
import type { AccountId } from '../../../../src/protocol/account-id.ts';
import { fileOf } from '../../../support/verify-log.ts';
import { KEY, privateKey } from '../log/vectors.ts';

const accountAt = (at: number): AccountId =>
  `eip155:84532:0x${String(at).padStart(40, '0')}` as AccountId;
const hashAt = (account: number, seq: number): Hex =>
  seq === 0 ? `0x${'00'.repeat(32)}` : sha256Hex(utf8(`${account}/${seq}`));

/** A leaf that covers one entry of an account. */
const leafAt = (account: number, seq: number): string =>
  leafText(
    leafOf(accountAt(account), { seq, prev: hashAt(account, seq - 1) }, [hashAt(account, seq)]),
  );

const sign = async (year: string, leaves: readonly string[]): Promise<string> => {
  const key = { ...KEY, name: KEY.name.replace('2026', year) };
  const root = rootOf(leaves.map((text) => leafHash(utf8(text))));
  const text = checkpointText({ origin: key.name, size: leaves.length, root });
  return writeNote({ text, signatures: [await signNote(key, await privateKey(), text)] });
};

const proofsIn = (leaves: readonly string[]) => {
  const hashes = leaves.map((text) => leafHash(utf8(text)));
  const tiles = new Map(
    appendToTiles(() => undefined, 0, hashes).map(({ bytes, ...place }) => [
      tilePath(place),
      bytes,
    ]),
  );
  const read = hashesOnce((place) => tiles.get(tilePath(place)));
  return (index: number) => inclusionProof(index, leaves.length, read).map(encodeBase64);
};

/** Two years of a log, with 300 and 10 leaves of four accounts. */
const FIRST = Array.from({ length: 300 }, (_, at) => leafAt(at % 4, Math.floor(at / 4) + 1));
const HEADING = `countersign-log/1\n${await sign('2025', FIRST.slice(0, 290))}`;
const SECOND = [
  HEADING,
  ...Array.from({ length: 9 }, (_, at) => leafAt(at % 4, 76 + Math.floor(at / 4))),
];
const YEARS = { '2025': FIRST, '2026': SECOND } as const;
const KEYS = [
  {
    name: 'log-key',
    text: Object.keys(YEARS)
      .map((year) => `${verifierKey({ ...KEY, name: KEY.name.replace('2026', year) })}\n`)
      .join(''),
  },
];

type Line = { readonly index: number; readonly leaf: string; readonly proof?: readonly string[] };

/** An operator's export, or that of an owner of some accounts. `change` alters the lines of a year. */
const evidenceOf = async (
  owned: readonly number[] | 'all',
  change = (lines: readonly Line[], _year: string): readonly Line[] => lines,
): Promise<LogEvidence> => ({
  keys: KEYS,
  years: await Promise.all(
    Object.entries(YEARS).map(async ([year, leaves]) => {
      const proofOf = proofsIn(leaves);
      const lines = leaves.flatMap((leaf, index): Line[] => {
        if (owned === 'all') return [{ index, leaf }];
        const isOwn =
          leaf === HEADING || owned.some((account) => leaf.includes(`\n${accountAt(account)}\n`));
        return isOwn ? [{ index, leaf, proof: proofOf(index) }] : [];
      });
      const text = change(lines, year)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join('');
      return {
        leaves: fileOf(`log/${year}/leaves.ndjson`, text),
        checkpoint: { name: `log/${year}/checkpoint`, text: await sign(year, leaves) },
      };
    }),
  ),
});

const read = async (evidence: LogEvidence) => {
  const tally = createTally('log');
  const history = await readYears(evidence, tally);
  const { verdict, first, note } = tally.finding();
  return { verdict, reason: first?.reason, file: first?.file, note, history };
};

const altered = (leaf: string): string =>
  leaf.replace(/root (.)/, (_, c) => `root ${c === 'A' ? 'B' : 'A'}`);

describe('the leaves of an owner over two years', () => {
  test('are proved, and continue from year to year', async () => {
    const { verdict, history } = await read(await evidenceOf([1, 2]));
    expect(verdict).toBe('proved');
    expect(history?.of.size).toBe(2);
    expect(history?.isWhole).toBe(false);
    const leaves = history?.of.get(accountAt(1)) ?? [];
    expect(leaves.map(({ first }) => first.seq)).toEqual([...Array(77).keys()].map((at) => at + 1));
    expect(leaves.at(-1)).toMatchObject({ log: KEY.name, index: 6, ordinal: 306 });
  });

  test.each([
    ['a leaf that the operator altered', (line: Line) => ({ ...line, leaf: altered(line.leaf) })],
    [
      'a proof that is altered',
      (line: Line) => ({ ...line, proof: line.proof?.toReversed() ?? [] }),
    ],
    ['another place', (line: Line) => ({ ...line, index: line.index + 1 })],
  ])('are broken by %s', async (_, change) => {
    for (const year of Object.keys(YEARS)) {
      const evidence = await evidenceOf([1], (lines, of) =>
        of === year ? lines.with(1, change(lines[1] as Line)) : lines,
      );
      expect(await read(evidence)).toMatchObject({
        ...{ reason: 'leaf_not_included', file: `log/${year}/leaves.ndjson` },
      });
    }
  });

  test('are not whole without the year before, or without its end', async () => {
    const whole = await evidenceOf([1]);
    const without = await read({ ...whole, years: whole.years.slice(1) });
    expect(without).toMatchObject({ verdict: 'not checked', reason: undefined });
    const cut = await evidenceOf([1], (lines, year) =>
      year === '2025' ? lines.slice(0, -1) : lines,
    );
    expect(await read(cut)).toMatchObject({ verdict: 'BROKEN', reason: 'leaf_gap' });
  });
});

describe('the log that a gateway publishes', () => {
  /** The public files of both years. */
  const published = async () => {
    const files = new Map<string, Uint8Array>();
    for (const [year, leaves] of Object.entries(YEARS)) {
      files.set(`${year}/checkpoint`, utf8(await sign(year, leaves)));
      const hashes = leaves.map((text) => leafHash(utf8(text)));
      for (const { bytes, ...place } of appendToTiles(() => undefined, 0, hashes))
        files.set(`${year}/tile/${tilePath(place)}`, bytes);
    }
    return {
      files,
      read: async (path: string): Promise<Uint8Array | undefined> => {
        const [place = '', width] = path.split('.p/');
        return width === undefined
          ? files.get(place)
          : files.get(place)?.slice(0, 32 * Number(width));
      },
    };
  };

  test.each(['all', [1]] as const)('is that of the export of %j', async (owned) => {
    const { read: from } = await published();
    const { verdict } = await read({ ...(await evidenceOf(owned)), published: from });
    expect(verdict).toBe('proved');
  });

  test.each(['2025/tile/0/000', '2025/tile/0/001', '2025/tile/1/000', '2026/tile/0/000'])(
    'is found altered in %s',
    async (path) => {
      const { files, read: from } = await published();
      const bytes = (files.get(path) as Uint8Array).slice();
      bytes[40] = (bytes[40] ?? 0) ^ 1;
      bytes[5] = (bytes[5] ?? 0) ^ 1;
      files.set(path, bytes);
      for (const owned of ['all', [1]] as const) {
        const found = await read({ ...(await evidenceOf(owned)), published: from });
        expect(found).toMatchObject({ verdict: 'BROKEN', reason: 'tile_altered' });
        expect(found.file).toContain(`/log/${path.slice(0, 9)}`);
      }
    },
  );

  test('must extend the exported tree, and be signed', async () => {
    const evidence = await evidenceOf('all');
    const check = async (leaves: readonly string[], note?: string) => {
      const { files, read: from } = await published();
      files.set('2026/checkpoint', utf8(note ?? (await sign('2026', leaves))));
      return (await read({ ...evidence, published: from })).reason;
    };
    expect(await check(SECOND.slice(0, 8))).toBe('rolled_back');
    expect(await check([...SECOND, leafAt(1, 79)])).toBe('other_history');
    expect(await check(SECOND, 'nothing')).toBe('malformed_checkpoint');
    expect(await check(SECOND, await sign('2025', SECOND))).toBe('other_origin');
  });
});
