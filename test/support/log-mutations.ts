/** Changes of an export's transparency log: of its keys, and of how each year continues the previous one. */
import { keyListText } from '../../src/audit/log/key-list.ts';
import { parseLeaf } from '../../src/audit/log/leaf.ts';
import type { LogKey } from '../../src/audit/log/log-key.ts';
import { verifierKey } from '../../src/audit/log/signed-note.ts';
import { checkpointOf, type ExportTexts, KEY, type Mutation, newLogKey } from './export-texts.ts';

/** The key that replaces the key of the tests' log. */
const NEXT_KEY = await newLogKey();
const KEY_BEFORE: LogKey = { ...KEY, key: { ...KEY.key, name: 'gateway.example/log/2025' } };
/** Leaves of the previous year that the first leaf of the next year does not cover yet. */
const LATE_LEAVES = 1;

/** Moves the first chunk of each account into the log of the previous year, and keeps a checkpoint of that year. */
export const overYears = async (texts: ExportTexts): Promise<ExportTexts> => {
  const isFirst = (leaf: string): boolean => parseLeaf(leaf)?.first.seq === 1;
  const old = texts.leaves.filter(isFirst);
  const heading = `countersign-log/1\n${await checkpointOf(old.slice(0, -LATE_LEAVES), [KEY_BEFORE])}`;
  const leaves = [heading, ...texts.leaves.filter((leaf) => !isFirst(leaf))];
  return {
    ...texts,
    leaves,
    checkpoint: await checkpointOf(leaves),
    before: { leaves: old, checkpoint: await checkpointOf(old, [KEY_BEFORE]) },
    key: keyListText([KEY, KEY_BEFORE]),
    older: await checkpointOf(old.slice(0, 2), [KEY_BEFORE]),
  };
};

/** Changes the leaves of the previous year and of this year, and signs both logs again. */
const withYears =
  (
    change: (
      before: readonly string[],
      leaves: readonly string[],
    ) => readonly [readonly string[], readonly string[]],
  ) =>
  async (texts: ExportTexts): Promise<ExportTexts> => {
    const whole = await overYears(texts);
    const [old, leaves] = change(whole.before?.leaves ?? [], whole.leaves);
    return {
      ...whole,
      leaves,
      checkpoint: await checkpointOf(leaves),
      before: { leaves: old, checkpoint: await checkpointOf(old, [KEY_BEFORE]) },
      older: await checkpointOf((whole.before?.leaves ?? []).slice(0, 1), [KEY_BEFORE]),
    };
  };

const otherRoot = (leaf: string): string =>
  leaf.replace(/root (.)/, (_, first) => `root ${first === 'A' ? 'B' : 'A'}`);

const REWRITTEN = { log: 'other_history' };

/** The time of the newest entry. */
const newestIn = ({ logs }: ExportTexts): number =>
  Math.max(...[...logs.values()].flat().map(({ at }) => at));

/** Lists the key of the tests' log as replaced `seconds` after the newest entry. */
const keyEnded = async (texts: ExportTexts, seconds: number): Promise<ExportTexts> => {
  const end = newestIn(texts) + seconds;
  const list = [
    { ...NEXT_KEY, from: end },
    { ...KEY, from: end - 1_000_000, until: end },
  ];
  return { ...texts, key: keyListText(list) };
};

export const LOG_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a checkpoint signed by a key after its end',
    change: async (texts) => await keyEnded(texts, -6),
    found: { log: 'retired_key' },
  },
  {
    name: 'a checkpoint of the year before signed by a key after its end',
    change: async (texts) => {
      const whole = await overYears(texts);
      const list = [KEY, { ...KEY_BEFORE, from: 1_700_000_000, until: 1_700_000_001 }];
      return { ...whole, key: keyListText(list) };
    },
    found: { log: 'retired_key' },
  },
  {
    name: 'a second key added to the log, whose signature is bad',
    change: async (texts) => ({
      ...texts,
      key: keyListText([KEY, NEXT_KEY]),
      checkpoint: await checkpointOf(texts.leaves, [
        KEY,
        { ...NEXT_KEY, privateKey: KEY.privateKey },
      ]),
    }),
    found: { log: 'wrong_signer' },
  },
  {
    name: 'a leaf of the year before altered',
    change: withYears((before, leaves) => [before.with(1, otherRoot(before[1] ?? '')), leaves]),
    found: REWRITTEN,
  },
  {
    name: 'a leaf of the year before altered, which a checkpoint was kept of',
    change: withYears((before, leaves) => [before.with(0, otherRoot(before[0] ?? '')), leaves]),
    found: REWRITTEN,
  },
  {
    name: 'the log of the year before rolled back to earlier than this year names',
    change: withYears((before, leaves) => [before.slice(0, -LATE_LEAVES - 1), leaves]),
    found: { log: 'rolled_back' },
  },
  {
    name: 'the last leaf of the year before dropped, which this year does not name',
    change: withYears((before, leaves) => [before.slice(0, -LATE_LEAVES), leaves]),
    found: { log: 'leaf_gap' },
  },
  {
    name: 'a log that does not name the year before',
    change: withYears((before, leaves) => [before, leaves.slice(1)]),
    found: { log: 'log_unlinked' },
  },
  {
    name: 'a log that names nothing as the year before',
    change: withYears((before, leaves) => [before, leaves.with(0, 'countersign-log/1\nnothing\n')]),
    found: { log: 'malformed_leaf' },
  },
  {
    name: 'the years exchanged',
    change: async (texts) => {
      const { leaves, checkpoint, before, ...whole } = await overYears(texts);
      return { ...whole, ...before, before: { leaves, checkpoint } } as ExportTexts;
    },
    found: { log: 'other_origin' },
  },
];

/** Exports of an honest operator. The verifier must find no error in them. */
export const SOUND: readonly Omit<Mutation, 'found'>[] = [
  { name: 'as it was written', change: async (texts) => texts },
  ...[KEY, NEXT_KEY].map((known, at) => ({
    name: `while the key of the log is replaced, to a reader of the ${at === 0 ? 'old' : 'new'} one`,
    change: async (texts: ExportTexts) => ({
      ...texts,
      key: verifierKey(known.key),
      checkpoint: await checkpointOf(texts.leaves, [KEY, NEXT_KEY]),
      older: await checkpointOf(texts.leaves.slice(0, -2), [known]),
    }),
  })),
  {
    name: 'after the key of the log was replaced, with a checkpoint of the old one',
    change: async (texts) => ({
      ...texts,
      key: keyListText([
        { ...NEXT_KEY, from: 1_795_737_600 },
        { ...KEY, from: 1_767_225_600, until: 1_795_737_600 },
      ]),
      checkpoint: await checkpointOf(texts.leaves, [NEXT_KEY]),
    }),
  },
  {
    name: 'signed by a key that ended afterwards',
    change: async (texts) => await keyEnded(texts, -5),
  },
  {
    name: 'signed by a key that signed again after its end',
    change: async (texts) => {
      const ended = await keyEnded(texts, -60);
      return { ...ended, key: `${ended.key}${keyListText([{ ...KEY, from: newestIn(texts) }])}` };
    },
  },
  { name: 'of two years', change: overYears },
];
