import * as z from 'zod/mini';
import { err, ok, type Result } from '../core/result.ts';
import { decodeUtf8 } from '../crypto/bytes.ts';
import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import type { Entry } from '../protocol/entry.ts';
import { type AuditMessage, MAX_CHUNK_BYTES, MAX_CHUNK_ENTRIES, MAX_CHUNK_TEXT } from './chunk.ts';
import { type Broken, readLog } from './run.ts';

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
