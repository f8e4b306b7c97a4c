import { gzipSync } from 'node:zlib';
import * as z from 'zod/mini';
import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import { err, ok, type Result } from '../core/result.ts';
import { decodeUtf8, utf8 } from '../crypto/bytes.ts';
import { entryText } from './entry.ts';
import type { Entry } from '../protocol/entry.ts';
import { type Broken, readLog } from './verify.ts';

/** Compressed bytes of a chunk, at most: a queue message holds 128 KB (https://developers.cloudflare.com/queues/platform/limits/). */
export const MAX_CHUNK_BYTES = 100_000;
/** Uncompressed bytes of a chunk, at most (CWE-409). */
export const MAX_CHUNK_TEXT = 1_048_576;
/** Entries of a chunk, at most. */
export const MAX_CHUNK_ENTRIES = 2_000;
/** Canonical bytes of one entry, at most: even an incompressible entry fits a chunk. */
export const MAX_ENTRY_TEXT = 65_536;

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

const messageSchema = z.strictObject({
  v: z.literal(1),
  account: z.custom<AccountId>(
    (value) => typeof value === 'string' && parseAccountId(value) !== undefined,
  ),
  first: z.int().check(z.positive()),
  last: z.int().check(z.positive()),
  body: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
});

export type ChunkFault =
  | { readonly kind: 'too_large'; readonly what: 'body' | 'text' | 'entries' }
  | { readonly kind: 'not_gzip' }
  | { readonly kind: 'not_utf8' }
  | { readonly kind: 'broken'; readonly broken: Broken };

/** Reads a queue message; undefined if it is malformed. */
export const readMessage = (value: unknown): AuditMessage | undefined => {
  const parsed = messageSchema.safeParse(value);
  return parsed.success && parsed.data.first <= parsed.data.last ? parsed.data : undefined;
};

/** Entries as gzip NDJSON. Use `splitRun` for a run of unknown length. */
export const encodeChunk = (entries: readonly Entry[]): Uint8Array =>
  // Synchronous: a stream costs three times the CPU for chunks of a few calls.
  new Uint8Array(
    gzipSync(utf8(entries.map((entry) => `${entryText(entry)}\n`).join('')), { level: LEVEL }),
  );

/** Reads a chunk. Stops decompressing at the cap, so that a gzip bomb costs no more than a valid chunk (CWE-409). */
export const decodeChunk = async (
  bytes: Uint8Array,
): Promise<Result<readonly Entry[], ChunkFault>> => {
  const unpacked = await unpack(bytes);
  if (!unpacked.ok) return unpacked;
  const text = unpacked.value;
  if (text.split('\n', MAX_CHUNK_ENTRIES + 2).length > MAX_CHUNK_ENTRIES + 1) {
    return err({ kind: 'too_large', what: 'entries' });
  }
  const read = readLog(text);
  return read.ok ? read : err({ kind: 'broken', broken: read.error });
};

/** Reads a stored chunk without verifying it again: it was verified before it was stored, and readers of the entries can verify them. */
export const readStoredChunk = async (bytes: Uint8Array): Promise<readonly Entry[]> => {
  const unpacked = await unpack(bytes);
  if (!unpacked.ok) return [];
  const lines = unpacked.value.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Entry);
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
  let size = 0;
  for (const entry of entries) {
    const length = utf8(entryText(entry)).byteLength + 1;
    if (length > MAX_ENTRY_TEXT) {
      throw new RangeError(`entry ${entry.seq} is over ${MAX_ENTRY_TEXT} bytes`);
    }
    if (run.length === MAX_CHUNK_ENTRIES || size + length > MAX_CHUNK_TEXT) {
      runs.push(run);
      run = [];
      size = 0;
    }
    run.push(entry);
    size += length;
  }
  return run.length === 0 ? runs : [...runs, run];
};

const unpack = async (bytes: Uint8Array): Promise<Result<string, ChunkFault>> => {
  if (bytes.byteLength > MAX_CHUNK_BYTES) return err({ kind: 'too_large', what: 'body' });
  const unpacked = await decompress(bytes);
  if (!unpacked.ok) return unpacked;
  const text = decodeUtf8(unpacked.value);
  return text === undefined ? err({ kind: 'not_utf8' }) : ok(text);
};

const decompress = async (bytes: Uint8Array): Promise<Result<Uint8Array, ChunkFault>> => {
  const reader = new Blob([new Uint8Array(bytes)])
    .stream()
    .pipeThrough(new DecompressionStream('gzip'))
    .getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.byteLength;
      if (size > MAX_CHUNK_TEXT) {
        await reader.cancel();
        return err({ kind: 'too_large', what: 'text' });
      }
      parts.push(new Uint8Array(value));
    }
  } catch {
    return err({ kind: 'not_gzip' });
  }
  return ok(new Uint8Array(await new Blob(parts).arrayBuffer()));
};
