/**
 * Exports in memory, and what can be done to them: a table of changes with the check that must find each. An operator may rebuild the hashes of a
 * chain, and even sign another log; each change says how far it goes.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../dev/root.ts';
import { entryHash } from '../../src/audit/entry.ts';
import { checkpointText } from '../../src/audit/log/checkpoint.ts';
import { hashOfLeaf, leafOf, leafText, parseLeaf } from '../../src/audit/log/leaf.ts';
import { rootOf } from '../../src/audit/log/merkle-tree.ts';
import { signNote } from '../../src/audit/log/note-signature.ts';
import {
  type NoteKey,
  SIGNATURE_TYPE,
  verifierKey,
  writeNote,
} from '../../src/audit/log/signed-note.ts';
import type { CheckId } from '../../src/audit/verify/check.ts';
import type { Report } from '../../src/audit/verify/report.ts';
import { verify } from '../../src/audit/verify/verify.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Entry, Json } from '../../src/protocol/entry.ts';
import { fileOf, textOf } from './verify-log.ts';

/** An export of an operator. `older`: a checkpoint that somebody kept from before. */
export type ExportTexts = {
  readonly logs: ReadonlyMap<AccountId, readonly Entry[]>;
  readonly listed: readonly {
    readonly account: AccountId;
    readonly first: number;
    readonly last: number;
  }[];
  readonly leaves: readonly string[];
  readonly checkpoint: string;
  readonly key: string;
  readonly older: string;
  readonly receipts: string;
  readonly jwks: string;
};

const FIXTURE = join(ROOT, 'test/vectors/audit-export');
const CHUNK = 3;

const pair = (await crypto.subtle.generateKey('Ed25519', true, [
  'sign',
  'verify',
])) as CryptoKeyPair;
const KEY: NoteKey = {
  name: 'gateway.example/log/2026',
  type: SIGNATURE_TYPE.note,
  publicKey: new Uint8Array((await crypto.subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer),
};

/** Signs the tree over leaves with the key of the tests' log. */
export const checkpointOf = async (leaves: readonly string[]): Promise<string> => {
  const hashes = leaves.map((text) => {
    const leaf = parseLeaf(text);
    if (leaf === undefined) throw new Error(`not a leaf: ${text}`);
    return hashOfLeaf(leaf);
  });
  const text = checkpointText({ origin: KEY.name, size: leaves.length, root: rootOf(hashes) });
  return writeNote({ text, signatures: [await signNote(KEY, pair.privateKey, text)] });
};

/** The leaves of an account's chunks. */
const leavesOf = (account: AccountId, entries: readonly Entry[]): readonly string[] => {
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

/** Writes the log anew from the entries, as an operator could who rewrites everything. The kept checkpoint and the manifest stay. */
export const relogged = async (texts: ExportTexts): Promise<ExportTexts> => {
  const leaves = [...texts.logs].flatMap(([account, entries]) => leavesOf(account, entries));
  return { ...texts, leaves, checkpoint: await checkpointOf(leaves) };
};

/** The committed export, with a log whose key the tests have. */
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
    key: verifierKey(KEY),
    receipts: read('receipts.txt'),
    jwks: read('jwks.json'),
  };
  const logged = await relogged(texts);
  return { ...logged, older: await checkpointOf(logged.leaves.slice(0, -2)) };
};

/** Verifies an export with everything that a reader can know. */
export const reportOf = async (texts: ExportTexts): Promise<Report> =>
  await verify(
    {
      entries: [...texts.logs].map(([account, entries]) => fileOf(account, textOf(entries))),
      listed: texts.listed,
      log: {
        leaves: fileOf(
          'leaves.ndjson',
          texts.leaves.map((leaf, index) => `${JSON.stringify({ index, leaf })}\n`).join(''),
        ),
        checkpoint: { name: 'checkpoint', text: texts.checkpoint },
        key: { name: 'log-key', text: texts.key },
        older: { name: 'kept', text: texts.older },
      },
    },
    {
      receipts: {
        file: fileOf('receipts.txt', texts.receipts),
        keys: { name: 'jwks.json', text: texts.jwks },
      },
    },
  );

/** The checks that found something broken, with the reason of the first fault. */
export const brokenIn = ({ checks }: Report): Readonly<Partial<Record<CheckId, string>>> =>
  Object.fromEntries(
    checks.flatMap(({ check, verdict, first }) =>
      verdict === 'BROKEN' && first !== undefined ? [[check, first.reason]] : [],
    ),
  );

/** The entries with seqs and links made anew. */
export const relinked = (entries: readonly Entry[]): readonly Entry[] => {
  const linked: Entry[] = [];
  for (const entry of entries) {
    const before = linked.at(-1);
    const prev: Hex = before === undefined ? `0x${'00'.repeat(32)}` : entryHash(before);
    linked.push({ ...entry, seq: linked.length + 1, prev });
  }
  return linked;
};

/** How far a change goes: the entry alone, the hashes of its chain as well, or leaves and checkpoint, too. */
export type Depth = 'entry' | 'chain' | 'log';

/** Changes the chain that has the first entry of a type. */
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

const replaced =
  (change: (entry: Entry) => Entry) =>
  (entries: readonly Entry[], at: number): readonly Entry[] =>
    entries.with(at, change(entries[at] as Entry));

const withEvidence = (entry: Entry, evidence: Readonly<Record<string, Json>>): Entry => ({
  ...entry,
  evidence: { ...entry.evidence, ...evidence },
});

const cheaper = replaced((entry) => ({ ...entry, amounts: { ...entry.amounts, price: '1' } }));
const dropped = (entries: readonly Entry[], at: number) => entries.toSpliced(at, 1);
const doubled = (entries: readonly Entry[], at: number) =>
  entries.toSpliced(at, 0, entries[at] as Entry);
const swapped = (entries: readonly Entry[], at: number) =>
  entries.with(at, entries[at + 1] as Entry).with(at + 1, entries[at] as Entry);
const inserted = (entries: readonly Entry[], at: number) =>
  entries.toSpliced(at, 0, { ...(entries[at] as Entry), salt: `0x${'77'.repeat(16)}` });

/** One change of an export, and what must find it: the check and its reason. */
export type Mutation = {
  readonly name: string;
  readonly change: (texts: ExportTexts) => Promise<ExportTexts>;
  readonly found: Partial<Readonly<Record<CheckId, string>>>;
};

const onChain = (
  name: string,
  change: (entries: readonly Entry[], at: number) => readonly Entry[],
  found: Readonly<Record<Depth, Mutation['found']>>,
  type: Entry['type'] = 'call.accepted',
): readonly Mutation[] =>
  (['entry', 'chain', 'log'] as const).map((depth) => ({
    name: `${name}, ${{ entry: 'nothing rebuilt', chain: 'its chain rebuilt', log: 'chain and log rebuilt' }[depth]}`,
    change: async (texts) => await rewritten(texts, type, depth, change),
    found: found[depth],
  }));

const REWRITTEN = { log: 'other_history' };
const LOGGED = { log: 'not_as_logged' };

/** Part storm adds its own to this table. */
export const MUTATIONS: readonly Mutation[] = [
  ...onChain('an amount changed', cheaper, {
    entry: { chain: 'altered' },
    chain: LOGGED,
    log: REWRITTEN,
  }),
  ...onChain('an entry dropped', dropped, {
    entry: { chain: 'gap' },
    chain: LOGGED,
    log: REWRITTEN,
  }),
  ...onChain('an entry doubled', doubled, {
    entry: { chain: 'repeated' },
    chain: LOGGED,
    log: REWRITTEN,
  }),
  ...onChain('two entries swapped', swapped, {
    entry: { chain: 'gap' },
    chain: LOGGED,
    log: REWRITTEN,
  }),
  ...onChain('an entry inserted', inserted, {
    entry: { chain: 'repeated' },
    chain: LOGGED,
    log: REWRITTEN,
  }),
  ...onChain(
    'a signature of zeros',
    replaced((entry) => withEvidence(entry, { signature: `0x${'00'.repeat(65)}` })),
    {
      entry: { chain: 'altered', signatures: 'recovery_byte' },
      chain: { log: 'not_as_logged', signatures: 'recovery_byte' },
      log: { signatures: 'recovery_byte' },
    },
    'grant.issued',
  ),
  ...onChain(
    'a policy edited',
    replaced((entry) => withEvidence(entry, { policy: { perCall: '$1000', windows: [] } })),
    {
      entry: { signatures: 'mismatch' },
      chain: { signatures: 'mismatch' },
      log: { signatures: 'mismatch' },
    },
    'account.policy',
  ),
  ...onChain(
    'a denial turned into an acceptance',
    replaced(({ rule: _, count: __, ...entry }) => ({
      ...entry,
      type: 'call.accepted',
      decision: 'go',
    })),
    {
      entry: { signatures: 'missing' },
      chain: { signatures: 'missing' },
      log: { signatures: 'missing' },
    },
    'call.denied',
  ),
  {
    name: 'the end of a chain cut',
    change: async (texts) =>
      await rewritten(texts, 'call.accepted', 'entry', (entries) => entries.slice(0, -1)),
    found: { log: 'truncated' },
  },
  {
    name: 'the end of a chain cut, and the log rebuilt',
    change: async (texts) =>
      await rewritten(texts, 'call.accepted', 'log', (entries) => entries.slice(0, -4)),
    found: REWRITTEN,
  },
  {
    name: 'a second history of an account in the log',
    change: async (texts) => {
      const other = await rewritten(texts, 'call.accepted', 'chain', cheaper);
      const [account, entries] = [...other.logs].find(
        ([of, log]) => log !== texts.logs.get(of),
      ) as [AccountId, readonly Entry[]];
      const leaves = [...texts.leaves, ...leavesOf(account, entries)];
      return { ...texts, leaves, checkpoint: await checkpointOf(leaves) };
    },
    found: { log: 'forked' },
  },
  {
    name: 'an account left out everywhere, and the log rebuilt',
    change: async (texts) => {
      // One leaf: the new log is longer than the checkpoint that somebody kept, so its size does not betray it.
      const [account] = [...texts.logs].find(([, { length }]) => length <= CHUNK) ?? [];
      const logs = new Map([...texts.logs].filter(([of]) => of !== account));
      return await relogged({
        ...texts,
        logs,
        listed: texts.listed.filter((one) => one.account !== account),
      });
    },
    found: REWRITTEN,
  },
  {
    // The log went on for an hour after the invented account began, and has no leaf of it.
    name: 'an account invented whole',
    change: async (texts) => {
      const accounts = [...texts.logs.keys()];
      const [first, invented, last] = [accounts[0], accounts[1], accounts.at(-1)] as [
        AccountId,
        AccountId,
        AccountId,
      ];
      const begun = texts.logs.get(first)?.[CHUNK - 1]?.at ?? 0;
      const later = (by: number) => (entry: Entry) => ({ ...entry, at: begun + by });
      const logs = new Map(texts.logs)
        .set(invented, relinked((texts.logs.get(invented) ?? []).map(later(1))))
        .set(last, relinked((texts.logs.get(last) ?? []).map(later(3_600))));
      const logged = new Map([...logs].filter(([of]) => of !== invented));
      const grown = await relogged({ ...texts, logs: logged });
      return { ...grown, logs, older: await checkpointOf(grown.leaves.slice(0, -2)) };
    },
    found: { log: 'not_in_log' },
  },
  {
    name: 'the checkpoint rolled back',
    change: async (texts) => {
      const leaves = texts.leaves.slice(0, 2);
      return { ...texts, leaves, checkpoint: await checkpointOf(leaves) };
    },
    found: { log: 'rolled_back' },
  },
  {
    name: 'a checkpoint with another root',
    change: async (texts) => ({
      ...texts,
      checkpoint: texts.checkpoint.replace(/\n[A-Za-z0-9+/]{43}=\n/, `\n${'A'.repeat(43)}=\n`),
    }),
    found: { log: 'wrong_signer' },
  },
  {
    name: 'a leaf altered',
    change: async (texts) => ({
      ...texts,
      leaves: texts.leaves.with(3, (texts.leaves[3] as string).replace(/root ./, 'root A')),
    }),
    found: { log: 'other_history' },
  },
  {
    name: 'a leaf dropped at the end',
    change: async (texts) => ({ ...texts, leaves: texts.leaves.slice(0, -1) }),
    found: { log: 'leaf_missing' },
  },
  {
    name: 'two leaves swapped at the end',
    change: async (texts) => ({
      ...texts,
      leaves: [...texts.leaves.slice(0, -2), ...texts.leaves.slice(-2).toReversed()],
    }),
    found: { log: 'leaf_gap' },
  },
  {
    name: 'a receipt altered',
    change: async (texts) => ({
      ...texts,
      receipts: texts.receipts.replace(/\.[A-Za-z0-9_-]/, (start) =>
        start === '.e' ? '.f' : '.e',
      ),
    }),
    found: { receipts: 'wrong_signer' },
  },
  {
    name: 'the key of the log exchanged',
    change: async (texts) => ({ ...texts, key: readFileSync(join(FIXTURE, 'log-key'), 'utf8') }),
    found: { log: 'unsigned' },
  },
];
