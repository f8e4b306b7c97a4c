/** The gateway's transparency log on in-memory tables, and its exports: for tests of verifiers, in workerd and in Node. */
import { type Before, type Log, openLog } from '../../durable-objects/audit-log/log.ts';
import type { Growth, StoredTree, Tables } from '../../durable-objects/audit-log/tables.ts';
import { entryHash } from '../../src/audit/entry.ts';
import type { LogKey } from '../../src/audit/log/log-key.ts';
import { anchorOfLeaf, parseLeaf } from '../../src/audit/log/leaf.ts';
import { parseTilePath, tilePath } from '../../src/audit/log/tile.ts';
import { allLeaves, type LeafSource, leavesOfAccounts } from '../../src/client/leaf-lines.ts';
import { bytesOf, encodeBase64, utf8 } from '../../src/crypto/bytes.ts';
import type { ReadPublished } from '../../src/audit/verify/log-evidence.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { StoredRun } from '../../src/protocol/audit-log-contract.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { KEY, privateKey } from '../unit/audit/log/vectors.ts';

const BUNDLE = 256;

const memoryTables = (): Tables => {
  let tree: StoredTree | undefined;
  const tiles = new Map<string, Uint8Array>();
  const leaves: Growth['leaves'][number][] = [];
  const slots = new Map<number, readonly [hash: Uint8Array, slot: Uint8Array]>();
  const carried = new Map<AccountId, Uint8Array>();
  const of = (account: AccountId) => leaves.filter(({ leaf }) => leaf?.account === account);
  return {
    tree: () => tree,
    tile: (place) => tiles.get(tilePath(place)),
    lastOf: (account) => of(account).at(-1)?.leaf,
    anchorOf(account) {
      const first = of(account)[0]?.leaf;
      return first?.first.seq === 1 ? anchorOfLeaf(first) : carried.get(account);
    },
    slot: (number) => slots.get(number)?.[1] ?? new Uint8Array(),
    slotHashes: () => [...slots].map(([number, [hash]]) => [number, hash]),
    leavesOf: (account, fromSeq, most) =>
      of(account)
        .filter(({ text }) => (parseLeaf(text)?.last.seq ?? 0) >= fromSeq)
        .slice(0, most),
    bundle: (number) =>
      leaves.slice(number * BUNDLE, (number + 1) * BUNDLE).map(({ text }) => text),
    signers: () => [],
    grow(growth) {
      for (const { bytes, ...place } of growth.tiles) tiles.set(tilePath(place), bytes);
      leaves.push(...growth.leaves);
      for (const [number, ...slot] of growth.slots ?? []) slots.set(number, slot);
      for (const [account, anchor] of growth.carried ?? []) carried.set(account, anchor);
      const signed = { checkpoint: undefined, signed: 0, signedAt: 0 };
      tree = { ...signed, ...tree, size: growth.size, root: growth.root };
    },
    sign({ checkpoint, size, at }) {
      if (tree !== undefined) tree = { ...tree, checkpoint, signed: size, signedAt: at };
    },
  };
};

/** A chunk of a chain as the gateway appends it. */
export const runOf = (entries: readonly Entry[]): StoredRun => {
  const [{ account, seq, prev }] = entries as readonly [Entry, ...Entry[]];
  return { account, first: seq, prev, hashes: entries.map(entryHash) };
};

export type MemoryLog = {
  readonly log: Log;
  readonly year: number;
  /** Appends chunks and signs a checkpoint that covers them. */
  readonly append: (...chunks: readonly (readonly Entry[])[]) => Promise<void>;
};

/** Opens the log of a year, which continues the log of the previous year. */
export const openMemoryLog = (year: number, before?: MemoryLog, signer?: LogKey): MemoryLog => {
  const log = openLog(memoryTables());
  const beforeOf = (runs: readonly StoredRun[]): Before | undefined => {
    if (before === undefined) return undefined;
    const unknown = runs.map(({ account }) => account).filter((of) => log.headOf(of) === undefined);
    const heads = unknown.flatMap((account) => {
      const head = before.log.headOf(account);
      return head === undefined ? [] : [[account, head] as const];
    });
    return { checkpoint: before.log.status().checkpoint, heads: new Map(heads) };
  };
  return {
    log,
    year,
    async append(...chunks) {
      const runs = chunks.map(runOf);
      log.append(runs, beforeOf(runs));
      const { key, privateKey: own } = signer ?? { key: KEY, privateKey: await privateKey() };
      const name = KEY.name.replace('2026', String(year));
      await log.sign([{ key: { ...key, name }, privateKey: own }], 1_800_000_000);
    },
  };
};

/** The files of one year, as an export has them. */
export type YearTexts = {
  readonly year: number;
  readonly leaves: readonly string[];
  readonly checkpoint: string;
  readonly heads: readonly string[];
};

/** What `countersign audit export` reads of these logs: the leaves of some accounts, or all leaves. The oldest year comes first. */
export const exportLogs = async (
  logs: readonly MemoryLog[],
  accounts: readonly AccountId[] | 'all',
): Promise<readonly YearTexts[]> => {
  const call = async (id: string, { params, query }: LeafRequest) => {
    const at = logs.findIndex(({ year }) => year === query.year);
    const log = logs[at]?.log;
    if (log === undefined) return { body: { size: 0, items: [] } };
    const range = { most: 500, ...(query.size === undefined ? {} : { size: query.size }) };
    const account = params?.account;
    if (id === 'log.leaves' || account === undefined) {
      const { leaves = [], ...page } = log.leaves(0, range) ?? {};
      return { body: { ...page, items: leaves.map(({ index, text }) => ({ index, leaf: text })) } };
    }
    const anchor = logs
      .slice(0, at + 1)
      .toReversed()
      .flatMap((each) => each.log.headOf(account)?.anchor ?? [])[0];
    const { leaves = [], head, ...page } = log.leavesOf(account, 1, range, anchor) ?? {};
    const items = leaves.map(({ index, text, proof }) => ({
      ...{ index, leaf: text },
      proof: proof.map(encodeBase64),
    }));
    return {
      body: { ...page, items, ...(head === undefined ? {} : { head }) },
    };
  };
  const source: LeafSource = {
    management: { call: call as unknown as LeafSource['management']['call'] },
    isWithoutLog: () => false,
    now: Date.UTC(Math.max(...logs.map(({ year }) => year)), 5) / 1_000,
  };
  const files =
    accounts === 'all' ? await allLeaves(source) : await leavesOfAccounts(source, accounts);
  const texts: YearTexts[] = [];
  for (const { year, checkpoint, lines, heads } of files) {
    const leaves: string[] = [];
    for await (const line of lines) leaves.push(line);
    texts.unshift({ year, checkpoint, leaves, heads });
  }
  return texts;
};

type LeafRequest = {
  readonly params?: { readonly account: AccountId };
  readonly query: { readonly year: number; readonly size?: number };
};

/** What a gateway publishes of these logs, by the path after `/log/`. The newest log comes last. */
export const publishedBy =
  (logs: readonly MemoryLog[]): ReadPublished =>
  async (path) => {
    const [, year, rest = ''] = /^(?:(\d{4})\/)?(.+)$/.exec(path) ?? [];
    const at =
      year === undefined ? logs.length - 1 : logs.findIndex((each) => `${each.year}` === year);
    const log = logs[at]?.log;
    if (log === undefined) return undefined;
    if (rest === 'checkpoint') return utf8(log.status().checkpoint ?? '');
    const [, size, anchor] = /^head\/(\d+)\/(.+)$/.exec(rest) ?? [];
    if (anchor !== undefined) {
      const bytes = bytesOf(`0x${anchor}`);
      const isKnown = logs.slice(0, at + 1).some((each) => each.log.hasAnchor(bytes));
      const head = isKnown ? log.headAt(bytes, Number(size)) : undefined;
      return head && utf8(JSON.stringify(head));
    }
    const place = parseTilePath(rest.slice('tile/'.length));
    return place && log.tile(place.level, place.index, place.width);
  };
