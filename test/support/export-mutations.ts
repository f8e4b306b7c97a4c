/**
 * What can be done to an export: a table of changes with the check that must find each. An operator may rebuild the hashes of a chain, and even
 * sign another log; each change says how far it goes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Entry, Json } from '../../src/protocol/entry.ts';
import { DECISION_MUTATIONS } from './decision-mutations.ts';
import {
  checkpointOf,
  CHUNK,
  type Depth,
  FIXTURE,
  leavesOf,
  type Mutation,
  relinked,
  relogged,
  rewritten,
} from './export-texts.ts';
import { LOG_MUTATIONS } from './log-mutations.ts';

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
    entry: { chain: 'out_of_order' },
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
      // The account has one leaf. The rebuilt log is still longer than the kept checkpoint, so its size does not reveal the change.
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
    // The log has leaves of the hour after the invented account's first entry, but none of that account.
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
      receipts: texts.receipts?.replace(/\.[A-Za-z0-9_-]/, (start) =>
        start === '.e' ? '.f' : '.e',
      ),
    }),
    found: { receipts: 'wrong_signer' },
  },
  {
    name: 'the key of the log exchanged',
    change: async (texts) => ({ ...texts, key: readFileSync(join(FIXTURE, 'log-key'), 'utf8') }),
    found: { log: 'unknown_key' },
  },
  ...LOG_MUTATIONS,
  ...DECISION_MUTATIONS,
];
