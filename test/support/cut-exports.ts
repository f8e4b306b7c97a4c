/** Exports whose exporter removed the last entries of one account, in every way that leaves an intact hash chain. */
import {
  createHeadsTree,
  headsText,
  slotHash,
  slotOf,
  SLOTS,
  withHead,
} from '../../src/audit/log/heads.ts';
import { anchorOfLeaf, headOfLeaf, parseLeaf } from '../../src/audit/log/leaf.ts';
import type { LogKey } from '../../src/audit/log/log-key.ts';
import { inclusionProof } from '../../src/audit/log/merkle-tree.ts';
import { SIGNATURE_TYPE, verifierKey } from '../../src/audit/log/signed-note.ts';
import { encodeBase64 } from '../../src/crypto/bytes.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { KEY } from '../unit/audit/log/vectors.ts';
import { exportLogs, type MemoryLog, openMemoryLog, type YearTexts } from './memory-log.ts';

/** An export: its chains, the logs of the years, and the file `log-key`. */
export type CutExport = {
  readonly logs: ReadonlyMap<AccountId, readonly Entry[]>;
  readonly years: readonly YearTexts[];
  readonly key: string;
};

/** What every verifier must report: the broken checks with their reasons, and the verdict of the check `heads`. */
export type CutCase = {
  readonly name: string;
  readonly change: (whole: Whole) => CutExport | Promise<CutExport>;
  readonly broken?: Readonly<Record<string, string>>;
  readonly heads: string;
  /** The report of a verifier that has only the log key in the export, where it differs from the report with a pinned key. */
  readonly unpinned?: { readonly broken: Readonly<Record<string, string>>; readonly heads: string };
};

/** What the gateway gave the exporter. `cut`: the account whose last entries the exporter hides; `kept`: how many entries it shows. */
export type Whole = CutExport & {
  readonly cut: AccountId;
  readonly kept: number;
  readonly log: MemoryLog;
  /** What the gateway would have exported when the account had only its first `kept` entries. */
  readonly early: readonly YearTexts[];
};

/** The verifier keys that a reader has pinned: of the log of this year and of the next year. */
export const PINNED = ['2026', '2027']
  .map((year) => `${verifierKey({ ...KEY, name: KEY.name.replace('2026', year) })}\n`)
  .join('');

const CHUNK = 2;
const chunksOf = (entries: readonly Entry[]): readonly (readonly Entry[])[] =>
  Array.from({ length: Math.ceil(entries.length / CHUNK) }, (_, at) =>
    entries.slice(at * CHUNK, (at + 1) * CHUNK),
  );

/** Logs chains as a gateway does, with the chunks of an unrelated account between them, and exports the chains of one owner. */
export const wholeExport = async (
  logs: ReadonlyMap<AccountId, readonly Entry[]>,
  cut: AccountId,
  stranger: readonly Entry[],
): Promise<Whole> => {
  const entries = logs.get(cut) ?? [];
  const kept = Math.floor(entries.length / 2 / CHUNK) * CHUNK;
  const log = openMemoryLog(2026);
  const others = [...logs]
    .filter(([account]) => account !== cut)
    .flatMap(([, all]) => chunksOf(all));
  await log.append(...others, ...chunksOf(entries.slice(0, kept)));
  await log.append(...chunksOf(stranger));
  const early = await exportLogs([log], [...logs.keys()]);
  await log.append(...chunksOf(entries.slice(kept)));
  const years = await exportLogs([log], [...logs.keys()]);
  return { logs, years, key: PINNED, cut, kept, log, early };
};

/** The chains without the last entries of one account. */
const cutLogs = ({ logs, cut, kept }: Whole): CutExport['logs'] =>
  new Map([...logs].map(([of, all]) => [of, of === cut ? all.slice(0, kept) : all]));

type Line = { readonly index?: number; readonly leaf?: string; readonly account?: string };
const without = (lines: readonly string[], isLeftOut: (line: Line) => boolean): readonly string[] =>
  lines.filter((line) => !isLeftOut(JSON.parse(line) as Line));

const isLater =
  ({ cut, kept }: Whole) =>
  ({ leaf = '' }: Line): boolean => {
    const { account, last } = parseLeaf(leaf) ?? {};
    return account === cut && (last?.seq ?? 0) > kept;
  };
const isOf =
  ({ cut }: Whole) =>
  ({ leaf = '', account }: Line): boolean =>
    account === cut || parseLeaf(leaf)?.account === cut;

const changed = (whole: Whole, change: (year: YearTexts) => Partial<YearTexts>): CutExport => ({
  ...whole,
  logs: cutLogs(whole),
  years: whole.years.map((year) => ({ ...year, ...change(year) })),
});

const withoutLater = (whole: Whole, change: (year: YearTexts) => Partial<YearTexts> = () => ({})) =>
  changed(whole, (year) => ({
    leaves: without(year.leaves, isLater(whole)),
    ...change(year),
  }));

/** An index that the exporter forges from the leaves it still shows: the text of the index leaf, and the lines of `heads.ndjson`. */
const forgedIndex = (leaves: readonly string[]) => {
  const tree = createHeadsTree();
  const slots = new Map<number, Uint8Array>();
  const anchors = new Map<AccountId, Uint8Array>();
  for (const line of leaves) {
    const leaf = parseLeaf((JSON.parse(line) as Line).leaf ?? '');
    if (leaf === undefined) continue;
    const anchor = anchors.get(leaf.account) ?? anchorOfLeaf(leaf);
    anchors.set(leaf.account, anchor);
    const number = slotOf(anchor);
    slots.set(number, withHead(slots.get(number) ?? new Uint8Array(), anchor, headOfLeaf(leaf)));
  }
  tree.put([...slots].map(([number, slot]) => [number, slotHash(slot)]));
  const heads = [...anchors].map(([account, anchor]) => {
    const number = slotOf(anchor);
    const path = inclusionProof(number, SLOTS, tree.read).map(encodeBase64);
    const slot = encodeBase64(slots.get(number) ?? new Uint8Array());
    return `${JSON.stringify({ account, slot, path })}\n`;
  });
  return { text: headsText(tree.root()), heads };
};

/**
 * Removes the last entries and their leaves, then fills the log up to its checkpointed size with leaves of a forged index that have no
 * inclusion proof.
 */
const withForgedIndex = (whole: Whole): CutExport =>
  withoutLater(whole, ({ leaves, checkpoint }) => {
    const shown = without(
      without(leaves, isLater(whole)),
      ({ leaf = '' }) => parseLeaf(leaf) === undefined,
    );
    const { text, heads } = forgedIndex(shown);
    const unproved = Array.from(
      { length: Number(checkpoint.split('\n')[1]) },
      (_, index) => `${JSON.stringify({ index, leaf: text })}\n`,
    );
    return { heads, leaves: [...shown, ...unproved] };
  });

/** A key that the exporter made. */
const ownKey = async (): Promise<LogKey> => {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const raw = (await crypto.subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer;
  const publicKey = new Uint8Array(raw);
  return {
    key: { name: KEY.name, type: SIGNATURE_TYPE.note, publicKey },
    privateKey: pair.privateKey,
  };
};

export const CUT_CASES: readonly CutCase[] = [
  {
    name: 'nothing cut',
    change: (whole) => whole,
    heads: 'proved',
    unpinned: { broken: {}, heads: 'bounded' },
  },
  {
    name: 'the last entries cut',
    change: (whole) => changed(whole, () => ({})),
    broken: { log: 'truncated' },
    heads: 'proved',
    unpinned: { broken: { log: 'truncated' }, heads: 'bounded' },
  },
  {
    name: 'the last entries cut with their leaves',
    change: (whole) => withoutLater(whole),
    broken: { heads: 'leaf_withheld' },
    heads: 'BROKEN',
  },
  {
    name: 'the last entries cut with their leaves and the proof of the head',
    change: (whole) => withoutLater(whole, ({ heads }) => ({ heads: without(heads, isOf(whole)) })),
    heads: 'not checked',
  },
  {
    name: 'the last entries cut with their leaves, and the leaf of the index',
    change: (whole) =>
      withoutLater(whole, ({ leaves }) => ({
        leaves: without(leaves, isLater(whole)).slice(0, -1),
      })),
    heads: 'not checked',
  },
  {
    name: 'the last entries cut with their leaves, and an older proof of the head',
    change: (whole) =>
      withoutLater(whole, ({ heads }) => ({
        heads: heads.map((line, at) =>
          isOf(whole)(JSON.parse(line) as Line) ? (whole.early[0]?.heads[at] ?? line) : line,
        ),
      })),
    broken: { heads: 'head_not_included' },
    heads: 'BROKEN',
  },
  {
    name: 'the last entries cut, and all leaves of the account',
    change: (whole) =>
      changed(whole, ({ leaves, heads }) => ({
        leaves: without(leaves, isOf(whole)),
        heads: without(heads, isOf(whole)),
      })),
    heads: 'bounded',
  },
  {
    name: 'the last entries cut, and the log signed anew with an own key',
    change: async (whole) => {
      const signer = await ownKey();
      const log = openMemoryLog(2026, undefined, signer);
      const logs = cutLogs(whole);
      await log.append(...[...logs.values()].flatMap(chunksOf));
      const years = await exportLogs([log], [...logs.keys()]);
      return { logs, years, key: verifierKey(signer.key) };
    },
    broken: { log: 'unknown_key' },
    heads: 'not checked',
    unpinned: { broken: {}, heads: 'bounded' },
  },
  {
    name: 'the last entries cut and the folder of the log deleted',
    change: (whole) => ({ ...whole, logs: cutLogs(whole), years: [] }),
    heads: 'not checked',
  },
  {
    name: 'a proof of the head that is none',
    change: (whole) =>
      changed({ ...whole, kept: Number.POSITIVE_INFINITY }, ({ heads }) => ({
        heads: [...heads, '{"account":1}\n'],
      })),
    broken: { heads: 'malformed_head' },
    heads: 'BROKEN',
  },
  {
    name: 'the last entries cut with their leaves, and an index that nothing proves',
    change: withForgedIndex,
    broken: { log: 'leaf_not_included' },
    heads: 'not checked',
  },
  {
    name: 'a first leaf that nothing proves',
    change: (whole) => ({
      ...whole,
      years: whole.years.map((year) => {
        const { index, leaf } = JSON.parse(year.leaves[0] ?? '') as Line;
        return { ...year, leaves: year.leaves.with(0, `${JSON.stringify({ index, leaf })}\n`) };
      }),
    }),
    broken: { log: 'leaf_not_included' },
    heads: 'not checked',
  },
];

/** Exports the same chains from the logs of two years. In the second year the account logs nothing. */
export const quietYear = async (
  logs: ReadonlyMap<AccountId, readonly Entry[]>,
  cut: AccountId,
  stranger: readonly Entry[],
): Promise<CutExport> => {
  const before = openMemoryLog(2026);
  await before.append(...[...logs.values()].flatMap(chunksOf));
  const log = openMemoryLog(2027, before);
  await log.append(...chunksOf(stranger));
  return { logs, years: await exportLogs([before, log], [cut]), key: PINNED };
};
