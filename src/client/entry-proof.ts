import * as z from 'zod/mini';
import { entryTextHash } from '../audit/entry-text.ts';
import { chunkPath, type EntryProof } from '../audit/log/entry-proof.ts';
import { type Leaf, parseLeaf } from '../audit/log/leaf.ts';
import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { decodeBase64 } from '../crypto/bytes.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Management } from './management.ts';

/** A line of an account's log in its hashed form. */
export type EntryLine = {
  readonly text: string;
  readonly seq: number;
  readonly at: Seconds;
  readonly hash: Hex;
};

export type WantedEntry = {
  readonly account: AccountId;
  readonly call: Hex;
  /** The entry to prove, among those that follow the acceptance of the call. */
  readonly isWanted: (line: EntryLine) => boolean;
  readonly now: Seconds;
};

/**
 * Why there is no proof. `not_stored` and `not_signed` pass by themselves: the gateway stores an entry some seconds after its answer, and
 * signs a checkpoint ten seconds later at the latest. All other reasons mean that the gateway shows two histories.
 */
export type CollectFault = 'not_stored' | 'not_signed' | 'malformed_leaf' | 'differs';

/** A proof that nobody has verified yet, and the year of its log (UTC). */
export type CollectedProof = { readonly proof: EntryProof; readonly year: number };

type Source = Pick<Management, 'call' | 'export'>;

/**
 * Collects the parts of a proof that an entry about a call is in the transparency log: the entry, its path in the chunk, the leaf, its path
 * to the root, and the signed checkpoint (docs/audit-log.md).
 *
 * @throws what `management.call` throws, e.g. for an unknown call
 */
export const collectProof = async (
  source: Source,
  wanted: WantedEntry,
): Promise<Result<CollectedProof, CollectFault>> => {
  const line = await findEntry(source, wanted);
  if (line === undefined) return err('not_stored');
  const logged = await findLeaf(source, wanted, line);
  if (logged === undefined) return err('not_signed');
  const leaf = parseLeaf(logged.leaf);
  if (leaf === undefined) return err('malformed_leaf');
  const path = chunkPath(leaf, await hashesOf(source, leaf), line.seq);
  if (path === undefined) return err('differs');
  const { text: entry, hash, seq } = line;
  const { year, ...place } = logged;
  return ok({ year, proof: { entry, hash, seq, path, ...place } });
};

const lineSchema = z.looseObject({ seq: z.int(), at: z.int() });

/** The entries of an account after a seq, in their hashed form. */
async function* entriesAfter(
  source: Source,
  account: AccountId,
  after: number,
  limit: number,
): AsyncGenerator<EntryLine> {
  const query = { format: 'ndjson', limit, after: String(after) } as const;
  for await (const page of source.export('account.entries', { params: { account }, query })) {
    for (const text of page.split('\n').filter((line) => line !== '')) {
      const { seq, at } = z.parse(lineSchema, JSON.parse(text));
      yield { text, seq, at, hash: entryTextHash(text) };
    }
  }
}

const MAX_SCANNED = 10_000;

const findEntry = async (
  source: Source,
  { account, call, isWanted }: WantedEntry,
): Promise<EntryLine | undefined> => {
  const { entries } = (await source.call('account.call', { params: { account, call } })).body;
  for await (const line of entriesAfter(source, account, entries.first - 1, 100)) {
    if (isWanted(line)) return line;
    // The account writes the end of the call long before so many other entries.
    if (line.seq > entries.last + MAX_SCANNED) break;
  }
  return undefined;
};

type LeafOfEntry = Pick<EntryProof, 'leaf' | 'index' | 'proof' | 'checkpoint'> & {
  readonly year: number;
};

/** Finds the leaf of an entry in the log of its year or in a later one: a chunk may be appended after New Year. */
const findLeaf = async (
  source: Source,
  { account, now }: WantedEntry,
  { seq, at }: EntryLine,
): Promise<LeafOfEntry | undefined> => {
  const yearOf = (time: Seconds): number => new Date(time * 1_000).getUTCFullYear();
  const last = yearOf(now);
  for (let year = Math.min(yearOf(at), last); year <= last; year += 1) {
    const query = { year, from: seq, limit: 1 };
    const { body } = await source.call('account.leaves', { params: { account }, query });
    const [item] = body.items;
    const first = item && parseLeaf(item.leaf)?.first.seq;
    if (item === undefined || first === undefined || first > seq) continue;
    if (body.checkpoint === undefined) continue;
    const proof = item.proof.map((hash) => decodeBase64(hash) ?? new Uint8Array());
    return { leaf: item.leaf, index: item.index, proof, checkpoint: body.checkpoint, year };
  }
  return undefined;
};

/** The hashes of all entries of a leaf, in order. */
const hashesOf = async (source: Source, leaf: Leaf): Promise<readonly Hex[]> => {
  const hashes: Hex[] = [];
  for await (const { seq, hash } of entriesAfter(source, leaf.account, leaf.first.seq - 1, 500)) {
    if (seq > leaf.last.seq) break;
    hashes.push(hash);
  }
  return hashes;
};
