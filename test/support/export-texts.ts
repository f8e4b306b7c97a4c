/** Exports in memory: the committed one, with a log that the tests can sign, and functions that rebuild its chains and its log. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../dev/root.ts';
import { entryHash } from '../../src/audit/entry.ts';
import { checkpointText } from '../../src/audit/log/checkpoint.ts';
import { leafOf, leafText } from '../../src/audit/log/leaf.ts';
import type { LogKey } from '../../src/audit/log/log-key.ts';
import { leafHash, rootOf } from '../../src/audit/log/merkle-tree.ts';
import { signNote } from '../../src/audit/log/note-signature.ts';
import { SIGNATURE_TYPE, verifierKey, writeNote } from '../../src/audit/log/signed-note.ts';
import type { CheckId } from '../../src/audit/verify/check.ts';
import type { Report } from '../../src/audit/verify/report.ts';
import { verify } from '../../src/audit/verify/verify.ts';
import type { Hex } from '../../src/core/hex.ts';
import { utf8 } from '../../src/crypto/bytes.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { fileOf, textOf } from './verify-log.ts';

/** An operator's export. `older`: a checkpoint that an auditor kept from an earlier export; `receipts`: the receipts that callers kept. */
export type ExportTexts = {
  readonly logs: ReadonlyMap<AccountId, readonly Entry[]>;
  readonly listed: readonly {
    readonly account: AccountId;
    readonly first: number;
    readonly last: number;
  }[];
  readonly leaves: readonly string[];
  readonly checkpoint: string;
  /** The log of the previous year. The first of `leaves` names its root. */
  readonly before?: { readonly leaves: readonly string[]; readonly checkpoint: string };
  readonly key: string;
  readonly older: string | undefined;
  readonly receipts: string | undefined;
  readonly jwks: string;
};

export const FIXTURE = join(ROOT, 'test/vectors/audit-export');
/** The number of entries that one leaf covers. */
export const CHUNK = 3;

/** Generates a key pair for the tests' log. */
export const newLogKey = async (): Promise<LogKey> => {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const raw = (await crypto.subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer;
  const key = {
    name: 'gateway.example/log/2026',
    type: SIGNATURE_TYPE.note,
    publicKey: new Uint8Array(raw),
  };
  return { key, privateKey: pair.privateKey };
};

/** The key pair that signs the tests' log. */
export const KEY = await newLogKey();

/** Signs the tree over `leaves`, with the key of the tests' log unless other keys are given. */
export const checkpointOf = async (
  leaves: readonly string[],
  keys: readonly LogKey[] = [KEY],
): Promise<string> => {
  const root = rootOf(leaves.map((text) => leafHash(utf8(text))));
  const origin = (keys[0] ?? KEY).key.name;
  const text = checkpointText({ origin, size: leaves.length, root });
  const sign = async ({ key, privateKey }: LogKey) => await signNote(key, privateKey, text);
  return writeNote({ text, signatures: await Promise.all(keys.map(sign)) });
};

/** The leaves of an account's chunks. */
export const leavesOf = (account: AccountId, entries: readonly Entry[]): readonly string[] => {
  const leaves: string[] = [];
  for (let at = 0; at < entries.length; at += CHUNK) {
    const chunk = entries.slice(at, at + CHUNK);
    const [first] = chunk;
    if (first === undefined) continue;
    const hashes = chunk.map(entryHash) as [Hex, ...Hex[]];
    leaves.push(leafText(leafOf(account, { seq: first.seq, prev: first.prev }, hashes)));
  }
  return leaves;
};

/** Rebuilds and signs the log from the entries, as an operator that rewrites history could. The kept checkpoint and the manifest stay. */
export const relogged = async (texts: ExportTexts): Promise<ExportTexts> => {
  const leaves = [...texts.logs].flatMap(([account, entries]) => leavesOf(account, entries));
  return { ...texts, leaves, checkpoint: await checkpointOf(leaves) };
};

/** Reads the committed export and adds a log signed with the tests' key. */
export const loadExport = async (): Promise<ExportTexts> => {
  const read = (name: string): string => readFileSync(join(FIXTURE, name), 'utf8');
  const logs = new Map<AccountId, readonly Entry[]>();
  for (const name of readdirSync(join(FIXTURE, 'entries')).toSorted()) {
    const entries = read(`entries/${name}`)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Entry);
    logs.set((entries[0] as Entry).account, entries);
  }
  const listed = [...logs].map(([account, entries]) => ({
    account,
    first: 1,
    last: entries.length,
  }));
  const empty = { leaves: [], checkpoint: '', older: '' };
  const texts = {
    logs,
    listed,
    ...empty,
    key: verifierKey(KEY.key),
    receipts: read('receipts.txt'),
    jwks: read('jwks.json'),
  };
  const logged = await relogged(texts);
  return { ...logged, older: await checkpointOf(logged.leaves.slice(0, -2)) };
};

/** The logs of an export by year, the oldest first. */
export const yearsOf = ({ before, leaves, checkpoint }: ExportTexts) => [
  ...(before === undefined ? [] : [{ year: '2025', ...before }]),
  { year: '2026', leaves, checkpoint },
];

/** The text of `leaves.ndjson`. */
export const leafLines = (leaves: readonly string[]): string =>
  leaves.map((leaf, index) => `${JSON.stringify({ index, leaf })}\n`).join('');

/** Verifies an export with every input that the verifier accepts. */
export const reportOf = async (texts: ExportTexts): Promise<Report> =>
  await verify(
    {
      entries: [...texts.logs].map(([account, entries]) => fileOf(account, textOf(entries))),
      listed: texts.listed,
      log: {
        years: yearsOf(texts).map(({ leaves, checkpoint }) => ({
          leaves: fileOf('leaves.ndjson', leafLines(leaves)),
          checkpoint: { name: 'checkpoint', text: checkpoint },
        })),
        keys: [],
        pinned: [{ name: 'pinned', text: texts.key }],
        ...(texts.older === undefined ? {} : { older: { name: 'kept', text: texts.older } }),
      },
    },
    texts.receipts === undefined
      ? {}
      : {
          receipts: {
            file: fileOf('receipts.txt', texts.receipts),
            keys: { name: 'jwks.json', text: texts.jwks },
          },
        },
  );

/** The checks that found an error, each with the reason of the first one. */
export const brokenIn = ({ checks }: Report): Readonly<Partial<Record<CheckId, string>>> =>
  Object.fromEntries(
    checks.flatMap(({ check, verdict, first }) =>
      verdict === 'BROKEN' && first !== undefined ? [[check, first.reason]] : [],
    ),
  );

/** Renumbers the entries and rebuilds their links. */
export const relinked = (entries: readonly Entry[]): readonly Entry[] => {
  const linked: Entry[] = [];
  for (const entry of entries) {
    const before = linked.at(-1);
    const prev: Hex = before === undefined ? `0x${'00'.repeat(32)}` : entryHash(before);
    linked.push({ ...entry, seq: linked.length + 1, prev });
  }
  return linked;
};

/** What a change rebuilds: nothing, the hashes of the chain, or also the leaves and the checkpoint. */
export type Depth = 'entry' | 'chain' | 'log';

/** Changes the first chain that has an entry of this type. */
export const rewritten = async (
  texts: ExportTexts,
  type: Entry['type'],
  depth: Depth,
  change: (entries: readonly Entry[], at: number) => readonly Entry[],
): Promise<ExportTexts> => {
  for (const [account, entries] of texts.logs) {
    const at = entries.findIndex((entry) => entry.type === type);
    if (at < 0) continue;
    const changed = change(entries, at);
    const logs = new Map(texts.logs).set(account, depth === 'entry' ? changed : relinked(changed));
    return depth === 'log' ? await relogged({ ...texts, logs }) : { ...texts, logs };
  }
  throw new Error(`no log has ${type}`);
};

/** A change of an export, and the check that must find it, with its reason. */
export type Mutation = {
  readonly name: string;
  readonly change: (texts: ExportTexts) => Promise<ExportTexts>;
  readonly found: Partial<Readonly<Record<CheckId, string>>>;
};
