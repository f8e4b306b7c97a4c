import { type AccountRow, newRow } from './account-row.ts';
import { type AuditMessage, encodeChunk } from './chunk.ts';
import { type ChunkFault, decodeChunk } from './read-chunk.ts';
import { entryHash } from './entry.ts';
import { approvalStatements } from './approvals.ts';
import { publishedTextStatements } from './published-texts.ts';
import { projectionStatements } from './projection-statements.ts';
import { type CallUpdate, project } from './projection.ts';
import { rollUp, type RollUp, rollUpStatements } from './roll-up.ts';
import { loadChunk, loadStoredHead } from './stored-chain.ts';
import { type Broken, verifyRun } from './run.ts';
import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { ChainHead, Entry } from '../protocol/entry.ts';

export type StoredChunk = {
  /** D1 has every entry of the account up to this seq. */
  readonly last: number;
  /** Rows that D1 billed; 0 for a redelivery. */
  readonly rowsWritten: number;
  /** The entries of the message, stored now or before. */
  readonly entries: readonly Entry[];
  /** Of each of these entries, in order. */
  readonly hashes: readonly Hex[];
};

export type StoreFault =
  /** Entries before this chunk are not stored yet: their chunk is in the queue, or the account sends it again. */
  | { readonly kind: 'gap'; readonly expected: number }
  /** Another consumer stored a chunk of this account concurrently. */
  | { readonly kind: 'contended' }
  | { readonly kind: 'unavailable'; readonly cause: string }
  /** No account could have sent this message, so a retry cannot help. */
  | { readonly kind: 'refused'; readonly why: ChunkFault | ChunkRefusal };

export type ChunkRefusal =
  | { readonly kind: 'broken'; readonly broken: Broken }
  /** The seqs of the message are not those of its chunk. */
  | { readonly kind: 'mislabelled' }
  /** D1 has another entry under a seq of this chunk: the account has two histories. */
  | { readonly kind: 'forked'; readonly seq: number }
  /** An amount is not a safe integer. */
  | { readonly kind: 'amount' };

/**
 * Stores a chunk and its projections in one transaction. Verifies the chain first, inside the chunk and from the stored head (law 11).
 * Idempotent: a redelivery writes nothing, and of a chunk that overlaps stored ones (after a crash the outbox may cut chunks differently) only
 * the new entries are written.
 */
export const storeChunk = async (
  db: D1Database,
  message: AuditMessage,
  now: Seconds,
): Promise<Result<StoredChunk, StoreFault>> => {
  const decoded = await decodeChunk(message.body);
  if (!decoded.ok) return refuse(decoded.error);
  const entries = decoded.value;
  const run = verifyRun(entries, { account: message.account });
  if (!run.ok) return refuse({ kind: 'broken', broken: run.error });
  if (run.value.first !== message.first || run.value.last !== message.last) {
    return refuse({ kind: 'mislabelled' });
  }
  try {
    const standing = await loadStoredHead(db, message.account);
    const { head } = standing;
    if (message.first > head.seq + 1) return err({ kind: 'gap', expected: head.seq + 1 });
    const fork = await forkAt(db, message.account, head, entries);
    if (fork !== undefined) return refuse({ kind: 'forked', seq: fork });

    const rest = entries.filter(({ seq }) => seq > head.seq);
    if (rest.length === 0)
      return ok({ last: head.seq, rowsWritten: 0, entries, hashes: run.value.hashes });
    const before = standing.row ?? newRow(entries[0]?.at ?? now);
    const derived = derive(rest, before);
    if (derived === undefined) return refuse({ kind: 'amount' });
    const body = rest.length === entries.length ? message.body : encodeChunk(rest);
    const results = await db.batch([
      insertChunk(db, message.account, rest, run.value.hash, body, now),
      ...projectionStatements(db, message.account, derived.calls),
      ...approvalStatements(db, rest),
      ...publishedTextStatements(db, rest),
      ...rollUpStatements(db, message.account, derived.rollUp, standing),
    ]);
    const rowsWritten = results.reduce((rows, { meta }) => rows + meta.rows_written, 0);
    return ok({ last: run.value.last, rowsWritten, entries, hashes: run.value.hashes });
  } catch (cause) {
    const text = String(cause);
    return text.includes('chunk does not continue the chain')
      ? err({ kind: 'contended' })
      : err({ kind: 'unavailable', cause: text });
  }
};

/**
 * The seq at which a chunk and the stored chain differ, if they do. Without this check a forked chunk would pass for a redelivery. The hash at
 * the last common seq covers every entry before it.
 */
const forkAt = async (
  db: D1Database,
  account: AccountId,
  head: ChainHead,
  entries: readonly Entry[],
): Promise<number | undefined> => {
  const first = entries[0] as Entry;
  if (first.seq === head.seq + 1) return first.prev === head.hash ? undefined : first.seq;
  const common = entries.findLast(({ seq }) => seq <= head.seq) as Entry;
  if (common.seq === head.seq) return entryHash(common) === head.hash ? undefined : common.seq;
  const stored = await loadChunk(db, account, common.seq);
  // The chunk is archived and deleted. It was verified when it was stored, and D1 has nothing left to compare.
  if (stored === undefined) return undefined;
  const same = stored.find(({ seq }) => seq === common.seq);
  return same !== undefined && entryHash(same) === entryHash(common) ? undefined : common.seq;
};

const insertChunk = (
  db: D1Database,
  account: AccountId,
  entries: readonly Entry[],
  lastHash: Hex,
  body: Uint8Array,
  now: Seconds,
): D1PreparedStatement =>
  db
    .prepare('INSERT INTO chunks VALUES (?1, ?2, ?3, ?4, ?5, ?6)')
    .bind(account, entries[0]?.seq, entries.at(-1)?.seq, lastHash, body, now);

const derive = (
  entries: readonly Entry[],
  before: AccountRow,
): { readonly calls: readonly CallUpdate[]; readonly rollUp: RollUp } | undefined => {
  try {
    return { calls: project(entries), rollUp: rollUp(entries, before) };
  } catch {
    return undefined;
  }
};

const refuse = (why: ChunkFault | ChunkRefusal): Result<never, StoreFault> =>
  err({ kind: 'refused', why });
