import { decodeBase64, decodeUtf8 } from '../crypto/bytes.ts';

const MAX_DEPTH = 64;

/** Reads JSON that a server sent; undefined when it is none, or nests deeper than 64 levels. */
export const readJson = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text);
    // What is echoed is written again, by a recursion that a deep offer would overflow.
    return isShallow(value, MAX_DEPTH) ? value : undefined;
  } catch {
    return undefined;
  }
};

const isShallow = (value: unknown, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((each) => isShallow(each, levels - 1));
};

/** Reads a header that holds base64 of JSON, of at most `limit` characters. */
export const readBase64Json = (header: string, limit: number): unknown => {
  const bytes = header.length > limit ? undefined : decodeBase64(header);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  return text === undefined ? undefined : readJson(text);
};

/** How long a body may take whose caller does not say. */
const READING_MS = 30_000;

/**
 * Up to `limit` bytes of a body, read from a copy so that the caller can still read the answer; undefined for a longer one.
 * @throws what reading throws when the connection breaks; a `TimeoutError` where the body has not ended in time
 */
export const readCopy = async (
  response: Response,
  limit: number,
  withinMs: number = READING_MS,
): Promise<Uint8Array<ArrayBuffer> | undefined> => {
  const { body } = response.clone();
  if (body === null) return new Uint8Array();
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  // A body that never ends would keep the caller for ever, whatever the server wanted with it.
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

/** The JSON of a body of at most `limit` bytes; undefined for anything else, a broken or endless one included. */
export const readJsonBody = async (
  response: Response,
  limit: number,
  withinMs?: number,
): Promise<unknown> => {
  const bytes = await readCopy(response, limit, withinMs).catch(() => undefined);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  return text === undefined ? undefined : readJson(text);
};
