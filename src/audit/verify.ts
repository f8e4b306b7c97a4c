import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { entryHash, entryText, GENESIS } from './entry.ts';
import { type ChainHead, type Entry } from '../protocol/entry.ts';
import { readEntry } from './entry-schema.ts';

/** What a run of entries is measured against. */
export type Expectation = {
  /** Whose chain it must be; the account of the first entry where nobody says. */
  readonly account?: AccountId;
  /** The entry before the first one. Given `GENESIS`, the run must be a whole log from the beginning. */
  readonly after?: ChainHead;
  /** Hash that the last entry must have, e.g. from a receipt or a stored chain head. Without it nobody can vouch for the last entry. */
  readonly lastHash?: Hex;
};

export type VerifiedRun = {
  readonly account: AccountId;
  readonly first: number;
  readonly last: number;
  /** Hash of the last entry. */
  readonly hash: Hex;
};

/** The first entry that does not hold, by its place in the run (from 0) and, where it has one, its seq. */
export type Broken = { readonly index: number; readonly seq?: number } & (
  | { readonly reason: 'empty' }
  /** Not an entry: bad JSON, a member missing, unknown or of another form. */
  | { readonly reason: 'malformed'; readonly field: string }
  /** An entry of another account's chain. */
  | { readonly reason: 'account'; readonly found: AccountId }
  /** Entries are missing, repeated or out of order. */
  | { readonly reason: 'seq'; readonly expected: number }
  /** It does not name the entry before it. */
  | { readonly reason: 'unlinked' }
  /** It is not what it was when the entry after it was written. */
  | { readonly reason: 'altered' }
);

/**
 * Verifies a run of consecutive entries of one account offline: form, account, seqs and hash chain (law 11). Pure: no clock, no
 * network, no trust in whoever exported it. Says yes with the chain head it arrives at, or names the first broken entry.
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
  /** What says that entry `index` is as it was: the one after it, or whoever told us the last hash. */
  const vouched = (index: number): Hex | undefined =>
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
      // This entry is itself vouched for, so the change is in the one before it.
      const previous = entries[index - 1];
      return previous !== undefined && vouched(index) === hashes[index]
        ? err({ index: index - 1, seq: previous.seq, reason: 'altered' })
        : err({ ...at, reason: 'unlinked' });
    }
  }

  const last = entries.length - 1;
  const hash = hashes[last] as Hex;
  if (expected.lastHash !== undefined && expected.lastHash !== hash) {
    return err({ index: last, seq: start + last + 1, reason: 'altered' });
  }
  return ok({ account, first: start + 1, last: start + last + 1, hash });
};

/** Reads NDJSON of canonical entries, as chunks and exports hold it: one JCS object a line. */
export const readLog = (text: string): Result<readonly Entry[], Broken> => {
  const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text.split('\n');
  const entries: Entry[] = [];
  for (const [index, line] of lines.entries()) {
    const read = readEntry(parseJson(line));
    if ('field' in read) return err({ index, reason: 'malformed', field: read.field });
    // One entry has one text: spaces, duplicate members or another order would be bytes that no hash covers.
    if (entryText(read.entry) !== line) {
      return err({ index, seq: read.entry.seq, reason: 'malformed', field: 'canonical form' });
    }
    entries.push(read.entry);
  }
  return ok(entries);
};

/** Reads and verifies an exported log. */
export const verifyLog = (
  text: string,
  expected: Expectation = {},
): Result<VerifiedRun, Broken> => {
  const read = readLog(text);
  return read.ok ? verifyRun(read.value, expected) : read;
};

/** The hash the first entry must name: known for the start of a chain, else only where the caller knows it. */
const startHash = (expected: Expectation, first: Entry): Hex | undefined =>
  expected.after?.hash ?? (first.seq === 1 ? GENESIS.hash : undefined);

const parseJson = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};
