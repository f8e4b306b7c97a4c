import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { entryHash, entryText, GENESIS } from './entry.ts';
import type { ChainHead, Entry } from '../protocol/entry.ts';
import { readEntry } from './entry-schema.ts';

/** The expectations that a run of entries must meet. */
export type Expectation = {
  /** The account of the chain. Absent: that of the first entry. */
  readonly account?: AccountId;
  /** The entry before the run. With `GENESIS` the run must be the log from its beginning. */
  readonly after?: ChainHead;
  /** The hash of the last entry, e.g. from a receipt or a stored chain head. Without it nothing proves the last entry. */
  readonly lastHash?: Hex;
};

export type VerifiedRun = {
  readonly account: AccountId;
  readonly first: number;
  readonly last: number;
  /** Hash of the last entry. */
  readonly hash: Hex;
  /** Of each entry, in order. */
  readonly hashes: readonly Hex[];
};

/** The first broken entry: its index in the run, and its seq if it has one. */
export type Broken = { readonly index: number; readonly seq?: number } & (
  | { readonly reason: 'empty' }
  /** Not an entry: malformed JSON, or a member that is missing, unknown or malformed. */
  | { readonly reason: 'malformed'; readonly field: string }
  /** An entry of another account's chain. */
  | { readonly reason: 'account'; readonly found: AccountId }
  /** Entries are missing, repeated or out of order. */
  | { readonly reason: 'seq'; readonly expected: number }
  /** Its `prev` is not the hash of the entry before it. */
  | { readonly reason: 'unlinked' }
  /** Its content was changed after the next entry was written. */
  | { readonly reason: 'altered' }
);

/**
 * Verifies consecutive entries of one account offline: form, account, seqs and hash chain (law 11). Pure: needs no clock, no network and no
 * trust in the exporter. Returns the chain head, or names the first broken entry.
 */
export const verifyRun = (
  entries: readonly Entry[],
  expected: Expectation = {},
): Result<VerifiedRun, Broken> => {
  const first = entries[0];
  if (first === undefined) return err({ index: 0, reason: 'empty' });
  const account = expected.account ?? first.account;
  const start = expected.after?.seq ?? first.seq - 1;
  const hashes = entries.map(entryHash);
  /** The hash that entry `index` must have, from the next entry or from the caller. */
  const expectedHash = (index: number): Hex | undefined =>
    index === entries.length - 1 ? expected.lastHash : entries[index + 1]?.prev;

  for (const [index, entry] of entries.entries()) {
    const at = { index, seq: entry.seq };
    if (entry.account !== account) {
      return err({ ...at, reason: 'account', found: entry.account });
    }
    if (entry.seq !== start + index + 1) {
      return err({ ...at, reason: 'seq', expected: start + index + 1 });
    }
    const before = index === 0 ? startHash(expected, first) : hashes[index - 1];
    if (before !== undefined && entry.prev !== before) {
      // If this entry has its expected hash, the one before it was changed.
      const previous = entries[index - 1];
      return previous !== undefined && expectedHash(index) === hashes[index]
        ? err({ index: index - 1, seq: previous.seq, reason: 'altered' })
        : err({ ...at, reason: 'unlinked' });
    }
  }

  const last = entries.length - 1;
  const hash = hashes[last] as Hex;
  if (expected.lastHash !== undefined && expected.lastHash !== hash) {
    return err({ index: last, seq: start + last + 1, reason: 'altered' });
  }
  return ok({ account, first: start + 1, last: start + last + 1, hash, hashes });
};

/** Reads NDJSON of canonical entries, the form of chunks and exports: one JCS object per line. */
export const readLog = (text: string): Result<readonly Entry[], Broken> => {
  const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text.split('\n');
  const entries: Entry[] = [];
  for (const [index, line] of lines.entries()) {
    const read = readEntry(parseJson(line));
    if ('field' in read) return err({ index, reason: 'malformed', field: read.field });
    // An entry has exactly one text. With spaces, duplicate members or another order, the file would contain bytes that no hash covers.
    if (entryText(read.entry) !== line) {
      return err({ index, seq: read.entry.seq, reason: 'malformed', field: 'canonical form' });
    }
    entries.push(read.entry);
  }
  return ok(entries);
};

/** The `prev` of the first entry: known for seq 1, otherwise only if the caller names the entry before. */
const startHash = (expected: Expectation, first: Entry): Hex | undefined =>
  expected.after?.hash ?? (first.seq === 1 ? GENESIS.hash : undefined);

const parseJson = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};
