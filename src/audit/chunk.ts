import { gzipSync } from 'node:zlib';
import type { AccountId } from '../protocol/account-id.ts';
import { utf8 } from '../crypto/bytes.ts';
import { entryText } from './entry.ts';
import { MAX_ENTRY_TEXT } from './entry-text.ts';
import type { Entry } from '../protocol/entry.ts';

/** Compressed bytes of a chunk, at most: a queue message holds 128 KB (https://developers.cloudflare.com/queues/platform/limits/). */
export const MAX_CHUNK_BYTES = 100_000;
/** Uncompressed bytes of a chunk, at most (CWE-409). */
export const MAX_CHUNK_TEXT = 1_048_576;
/** Entries of a chunk, at most. */
export const MAX_CHUNK_ENTRIES = 2_000;

/**
 * Characters of the entries of one message, at most. Those of calls then compress to less than 64 KB, which a queue bills as one, and few runs
 * have to be compressed twice. In UTF-8 they stay below `MAX_CHUNK_TEXT`, because a character takes at most three bytes.
 */
const RUN_CHARACTERS = 240_000;

/** Level 1 takes less CPU than the default level, for a few more bytes. */
const LEVEL = 1;

/** A message of the audit queue (content type `v8`): consecutive entries of one account, `first` to `last`, as a chunk. */
export type AuditMessage = {
  readonly v: 1;
  readonly account: AccountId;
  readonly first: number;
  readonly last: number;
  readonly body: Uint8Array;
};

/** Entries as gzip NDJSON. Use `splitRun` for a run of unknown length. */
export const encodeChunk = (entries: readonly Entry[]): Uint8Array => {
  let text = '';
  for (const entry of entries) text += `${entryText(entry)}\n`;
  // Synchronous: a stream costs three times the CPU for chunks of a few calls.
  return new Uint8Array(gzipSync(utf8(text), { level: LEVEL }));
};

/**
 * Splits consecutive entries of one account into messages that fit the queue.
 *
 * @throws RangeError for an entry over `MAX_ENTRY_TEXT`: the caps on headers and evidence make that a bug, and an entry that cannot be
 * exported must never be written
 */
export const splitRun = (entries: readonly Entry[]): AuditMessage[] =>
  splitByText(entries).flatMap(pack);

/** Halves a run whose compressed size turns out too large. */
const pack = (run: readonly Entry[]): AuditMessage[] => {
  const [first, last] = [run[0], run.at(-1)];
  if (first === undefined || last === undefined) return [];
  const body = encodeChunk(run);
  if (body.byteLength <= MAX_CHUNK_BYTES) {
    return [{ v: 1, account: first.account, first: first.seq, last: last.seq, body }];
  }
  const half = Math.ceil(run.length / 2);
  return [...pack(run.slice(0, half)), ...pack(run.slice(half))];
};

const splitByText = (entries: readonly Entry[]): Entry[][] => {
  const runs: Entry[][] = [];
  let run: Entry[] = [];
  let characters = 0;
  for (const entry of entries) {
    const { length } = checkedText(entry);
    if (run.length === MAX_CHUNK_ENTRIES || characters + length > RUN_CHARACTERS) {
      runs.push(run);
      run = [];
      characters = 0;
    }
    run.push(entry);
    characters += length;
  }
  if (run.length > 0) runs.push(run);
  return runs;
};

/** The text of an entry. Only one that may be too large is encoded, because that costs as much as its hash. */
const checkedText = (entry: Entry): string => {
  const text = entryText(entry);
  if (3 * text.length >= MAX_ENTRY_TEXT && utf8(text).byteLength >= MAX_ENTRY_TEXT) {
    throw new RangeError(`entry ${entry.seq} is over ${MAX_ENTRY_TEXT} bytes`);
  }
  return text;
};
