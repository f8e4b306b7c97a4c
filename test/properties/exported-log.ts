import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import type { AuditMessage } from '../../src/audit/chunk.ts';
import { type AuditDeps, consumeAudit } from '../../src/audit/consumer.ts';
import { entryHash, GENESIS } from '../../src/audit/entry.ts';
import { parseCheckpoint } from '../../src/audit/log/checkpoint.ts';
import { parseHeads } from '../../src/audit/log/heads.ts';
import { anchorOfLeaf, chunkRoot, headOfLeaf, parseLeaf } from '../../src/audit/log/leaf.ts';
import { leafHash, rootOf } from '../../src/audit/log/merkle-tree.ts';
import { verifyNoteSignature } from '../../src/audit/log/note-signature.ts';
import { openNote } from '../../src/audit/log/signed-note.ts';
import { createLoggedIndex } from '../../src/audit/verify/logged-index.ts';
import { loadStoredHead } from '../../src/audit/stored-chain.ts';
import { verifyConsistency } from '../../src/audit/log/verify-proof.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Entry, EntryBody } from '../../src/protocol/entry.ts';
import { interceptedDatabase } from '../support/intercepted-database.ts';
import { db, freshDatabase, messageOf, storedEntries } from '../unit/audit/database.ts';
import { accepted, committed, history, settled } from '../unit/audit/history.ts';
import { KEY, publicKey } from '../unit/audit/log/vectors.ts';
import { encodeBase64Url, utf8 } from '../../src/crypto/bytes.ts';
import type { Random } from '../falsify/random.ts';

/** Runs an effect of the consumer: a query, an append, an acknowledgement. It may fail first, or lose the effect's answer. */
export type Interfere = <T>(effect: () => Promise<T>) => Promise<T>;

/** A message of the audit queue, which delivers it until the consumer acknowledges it. */
export type Waiting = { readonly id: string; readonly body: AuditMessage; attempts: number };

/** An account as the consumer sees it: it deletes the entries that D1 has acknowledged, and sends the others again. */
type Writer = { readonly id: AccountId; chain: readonly Entry[]; exported: number };

const BATCH = 'countersign-audit';

/** Accounts that export their entries through the consumer, to a real D1 and to the real transparency log of this origin. */
export const openExportedLog = async (origin: string, ids: readonly AccountId[]) => {
  await freshDatabase();
  const d = encodeBase64Url(Uint8Array.from({ length: 32 }, (_, at) => at));
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64Url(publicKey()), d };
  Object.assign(env, { LOG_KEY: JSON.stringify(jwk) });
  const log = () => env.AUDIT_LOG.getByName(origin);
  const writers = ids.map((id): Writer => ({ id, chain: [], exported: 0 }));
  const checkpoints = new Map<number, string>();
  let waiting: Waiting[] = [];
  let sent = 0;
  let calls = 0;

  const exported = (id: AccountId) => async (seq: number) => {
    const writer = writers.find((one) => one.id === id);
    if (writer !== undefined) writer.exported = Math.max(writer.exported, seq);
    return { verdict: 'ok' } as const;
  };

  /** The entries whose export the account has not seen acknowledged, cut into messages at random. */
  const messagesOf = async (
    { chain, exported: from }: Writer,
    random: Random,
  ): Promise<readonly AuditMessage[]> => {
    const messages: AuditMessage[] = [];
    for (let at = from; at < chain.length;) {
      const to = Math.min(chain.length, at + random.integer(1, 7));
      messages.push(await messageOf(chain.slice(at, to)));
      at = to;
    }
    return messages;
  };

  return {
    writers,
    log,
    checkpoints,
    waiting: () => waiting,

    /** Appends the entries of some calls to an account's chain. */
    write(writer: Writer, random: Random) {
      const count = random.integer(1, 3);
      const bodies = Array.from({ length: count }, (): readonly EntryBody[] => {
        calls += 1;
        return [accepted(calls), committed(calls), settled(calls)].slice(0, random.integer(1, 3));
      });
      const last = writer.chain.at(-1);
      const head = last === undefined ? GENESIS : { seq: last.seq, hash: entryHash(last) };
      writer.chain = [...writer.chain, ...history(writer.id, bodies.flat(), head)];
    },

    /** Sends the unacknowledged entries. The queue may lose a message or deliver it twice. */
    async send(writer: Writer, random: Random, fateOf: () => 'arrives' | 'lost' | 'twice') {
      for (const body of await messagesOf(writer, random)) {
        const copies = { lost: 0, arrives: 1, twice: 2 }[fateOf()];
        for (let copy = 0; copy < copies; copy += 1) {
          sent += 1;
          waiting.push({ id: `m${sent}`, body, attempts: 0 });
        }
      }
    },

    /** Delivers messages. The queue keeps those that the consumer does not acknowledge. */
    async deliver(
      batch: readonly Waiting[],
      interfere: Interfere = async (effect) => effect(),
      deps: Partial<AuditDeps> = {},
    ) {
      const acked = new Set<string>();
      const messages = batch.map((one) => {
        one.attempts += 1;
        return {
          ...{ id: one.id, body: one.body, attempts: one.attempts },
          // The queue receives an acknowledgement when the batch has ended, or not at all.
          ack: () => void interfere(async () => acked.add(one.id)).catch(() => undefined),
          retry: () => undefined,
        };
      });
      await consumeAudit(
        { queue: BATCH, messages },
        {
          db: interceptedDatabase(db, interfere),
          account: (id) => ({
            exported: async (seq: number) => interfere(async () => exported(id)(seq)),
            document: async () => ({ verdict: 'unknown' }),
          }),
          projectDocument: () => [],
          appendToLog: async (runs) => interfere(async () => log().append(runs)),
          headsInLog: async (accounts) => interfere(async () => log().headsOf(accounts)),
          ...deps,
        },
        1_800_000_100,
      ).catch(() => undefined);
      waiting = waiting.filter(({ id }) => !acked.has(id));
    },

    /** Makes the log sign, and compares its checkpoint with all earlier ones. */
    async sign() {
      await runDurableObjectAlarm(log());
      const { checkpoint, signed } = await log().status();
      if (checkpoint === undefined) return;
      // Two checkpoints of the same size with different roots would be two histories.
      expect(checkpoints.get(signed) ?? checkpoint).toBe(checkpoint);
      const tree = await treeIn(checkpoint, origin);
      const [before] = [...checkpoints].findLast(([size]) => size < signed) ?? [];
      if (before !== undefined) {
        const old = await treeIn(checkpoints.get(before) ?? '', origin);
        const growth = (await log().proveGrowth(before, signed)) ?? [];
        expect(verifyConsistency(old, tree, growth)).toBe(true);
      }
      checkpoints.set(signed, checkpoint);
    },

    /** Throws if an account may have deleted an entry that D1 or the log lacks, because no other copy exists. */
    async checkDeleted() {
      const logged = await log().headsOf(ids);
      for (const [at, { id, exported: told }] of writers.entries()) {
        expect(logged[at]?.seq ?? 0).toBeGreaterThanOrEqual(told);
        expect((await loadStoredHead(db, id)).head.seq).toBeGreaterThanOrEqual(told);
      }
    },

    evict: async () => {
      // The test pool can evict running objects only, so start the object first.
      await log().status();
      await evictDurableObject(log());
    },

    /** Throws unless D1 and the log have each entry once, in the order of its chain, and every account has the acknowledgement. */
    async check() {
      expect(waiting).toEqual([]);
      const { size } = await log().status();
      const leaves = [];
      for (let from = 0; from < size; from += 500)
        leaves.push(...((await log().leaves(from, { most: 500 }))?.leaves ?? []));
      const parsed = leaves.map(({ text }) => parseLeaf(text));
      for (const { id, chain, exported: told } of writers) {
        expect(told).toBe(chain.length);
        expect(await storedEntries(id)).toEqual(chain);
        let at = 0;
        for (const leaf of parsed) {
          if (leaf?.account !== id) continue;
          const hashes = chain.slice(at, leaf.last.seq).map(entryHash);
          expect(leaf.first).toEqual({ seq: at + 1, prev: chain[at]?.prev });
          expect(leaf.last.hash).toBe(hashes.at(-1));
          expect(leaf.root).toEqual(chunkRoot(hashes));
          at = leaf.last.seq;
        }
        expect(at).toBe(chain.length);
      }
      const hashes = leaves.map(({ text }) => leafHash(utf8(text)));
      expect(hashes).toHaveLength(size);
      const index = createLoggedIndex();
      const anchors = new Map<AccountId, Uint8Array>();
      for (const [place, leaf] of parsed.entries()) {
        if (leaf === undefined) expect(parseHeads(leaves[place]?.text ?? '')).toEqual(index.root());
        else {
          if (leaf.first.seq === 1) anchors.set(leaf.account, anchorOfLeaf(leaf));
          index.add(anchors.get(leaf.account) as Uint8Array, headOfLeaf(leaf));
        }
      }
      expect(parsed.at(-1)).toBeUndefined();
      const { root } = await treeIn(checkpoints.get(size) ?? '', origin);
      expect(root).toEqual(rootOf(hashes));
      const { results } = await db.prepare('SELECT * FROM dead_letters').all();
      expect(results).toEqual([]);
    },
  };
};

export type ExportedLog = Awaited<ReturnType<typeof openExportedLog>>;

/** The tree of a checkpoint, after a check of its signature. */
const treeIn = async (checkpoint: string, name: string) => {
  const note = await openNote(checkpoint, [{ ...KEY, name }], verifyNoteSignature);
  const tree = note.ok ? parseCheckpoint(note.value.text) : undefined;
  if (tree === undefined) throw new Error('The checkpoint is not signed by the log.');
  return tree;
};
