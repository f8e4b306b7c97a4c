import { decodeBase64, decodeUtf8 } from '../crypto/bytes.ts';

const MAX_DEPTH = 64;

/** Parses JSON of a server; undefined if it is malformed or nests deeper than 64 levels. */
export const readJson = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text);
    // The client echoes parts of an offer, and a deep offer would overflow the recursion of JSON.stringify (CWE-674).
    return isShallow(value, MAX_DEPTH) ? value : undefined;
  } catch {
    return undefined;
  }
};

const isShallow = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((each) => isShallow(each, levels - 1));
};

/** Whether a value of `readJson` is an object, not an array or null. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads a header of base64 JSON with at most `limit` characters; undefined for any other header. */
export const readBase64Json = (header: string, limit: number): unknown => {
  const bytes = header.length > limit ? undefined : decodeBase64(header);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  return text === undefined ? undefined : readJson(text);
};

/** Default timeout for reading a body. */
const READING_MS = 30_000;

/**
 * Reads a body from a copy, so that the caller can still read the response itself.
 *
 * @returns undefined if the body is longer than `limit` bytes
 * @throws the stream's error if the connection breaks; a `TimeoutError` if the body does not end in time
 */
export const readCopy = async (
  response: Response,
  limit: number,
  withinMs: number = READING_MS,
): Promise<Uint8Array<ArrayBuffer> | undefined> => {
  const { body } = response.clone();
  if (body === null) return new Uint8Array();
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  // A malicious server could send a body that never ends (CWE-400).
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    void reader.cancel().catch(() => undefined);
  }, withinMs);
  try {
    const bytes = await readAll(reader, limit);
    if (isLate) throw new DOMException('The body took too long.', 'TimeoutError');
    return bytes;
  } finally {
    clearTimeout(timer);
  }
};

const readAll = async (
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    if (length > limit) {
      void reader.cancel().catch(() => undefined);
      return undefined;
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
};

/** Reads the JSON of a body with at most `limit` bytes; undefined if it is longer, malformed, broken or endless. */
export const readJsonBody = async (
  response: Response,
  limit: number,
  withinMs?: number,
): Promise<unknown> => {
  const bytes = await readCopy(response, limit, withinMs).catch(() => undefined);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  return text === undefined ? undefined : readJson(text);
};
