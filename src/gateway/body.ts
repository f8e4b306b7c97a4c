/** A body read up to a limit. At most one chunk beyond the limit was in memory. */
export type Reading =
  | { readonly read: 'whole'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** More than `limit` bytes: the bytes read so far, and the reader that has the rest. */
  | {
      readonly read: 'over';
      readonly head: Uint8Array<ArrayBuffer>;
      readonly rest: ReadableStreamDefaultReader<Uint8Array>;
    }
  /** The connection ended before the body did. `head`: the bytes read so far; empty if the declared length was read at once. */
  | { readonly read: 'broken'; readonly head: Uint8Array<ArrayBuffer> };

const NOTHING = new Uint8Array(0);

/**
 * Reads a body of at most `limit` bytes and stops after the chunk that passes the limit (CWE-400).
 *
 * @param declared the `Content-Length`, if known. If it is right, the body takes one read; if not, the rest is read as usual.
 */
export const readUpTo = async (
  body: ReadableStream<Uint8Array> | null,
  limit: number,
  declared = Infinity,
): Promise<Reading> => {
  if (body === null) return { read: 'whole', bytes: NOTHING };
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const reader = declared <= limit ? byteReader(body) : undefined;
    if (reader !== undefined) {
      // One byte more than declared: a longer body shows itself, and for any other body this read already reaches the end.
      const { value = NOTHING } = await reader.readAtLeast(
        declared + 1,
        new Uint8Array(declared + 1),
      );
      if (value.byteLength <= declared) return { read: 'whole', bytes: value };
      reader.releaseLock();
      chunks.push(value);
      length = value.byteLength;
    }
    const rest = body.getReader();
    while (length <= limit) {
      const { done, value } = await rest.read();
      if (done) return { read: 'whole', bytes: joined(chunks, length) };
      chunks.push(value);
      length += value.byteLength;
    }
    return { read: 'over', head: joined(chunks, length), rest };
  } catch {
    return { read: 'broken', head: joined(chunks, length) };
  }
};

/** Returns the reader of a stream of bytes, as those of the network are; undefined for a stream that a script made of chunks. */
const byteReader = (body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined => {
  try {
    return body.getReader({ mode: 'byob' });
  } catch {
    return undefined;
  }
};

/**
 * Whether a request announces a body that is longer than the limit.
 *
 * Platform trap: neither read nor cancel such a body. Either closes the connection while a proxy in front of the Worker (`wrangler dev`) is
 * still sending, and the caller gets the proxy's 500 with a stack trace instead of the answer. The runtime drops an untouched body itself.
 */
export const isOversized = (headers: Headers, limit: number): boolean =>
  Number(headers.get('content-length') ?? 0) > limit;

/** The most that `discard` reads: 8 MiB, for two seconds. */
const DISCARDED = 8 * 1_024 * 1_024;
const DISCARD_MS = 2_000;

/**
 * Reads the rest of a body and keeps nothing of it, within bounds (CWE-400), then cancels it.
 *
 * Platform trap: a client that still writes when the connection closes loses the answer to the reset. So the rest of an unannounced body that
 * is too long is read before the answer, as far as the bounds allow.
 */
export const discard = async (
  rest: ReadableStreamDefaultReader<Uint8Array>,
  most = DISCARDED,
  milliseconds = DISCARD_MS,
): Promise<void> => {
  // A sender that stalls must not hold the request: cancelling ends the read that waits.
  const timer = setTimeout(() => void rest.cancel().catch(() => undefined), milliseconds);
  try {
    for (let length = 0; length < most;) {
      const { done, value } = await rest.read();
      if (done) return;
      length += value.byteLength;
    }
    await rest.cancel();
  } catch {
    // The connection has ended, so no client reads the answer.
  } finally {
    clearTimeout(timer);
  }
};

/** Joins chunks. `length`: their total, bytes. */
export const joined = (chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
};

/** Returns the stream of a partly read body: the bytes read so far, then the rest. Errors of the rest are passed on. */
export const resumed = (
  head: Uint8Array,
  rest: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> => {
  let sentHead = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (!sentHead) {
        sentHead = true;
        controller.enqueue(head);
        return;
      }
      const { done, value } = await rest.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (cause) => rest.cancel(cause),
  });
};

/** Statuses that cannot have a body (Fetch standard, "null body status"). */
const BODILESS = new Set([101, 103, 204, 205, 304]);

export const isBodiless = (status: number): boolean => BODILESS.has(status);

/** Returns what a Response of this status takes as its body. */
export const bodyOf = <Body>(status: number, body: Body): Body | null =>
  isBodiless(status) ? null : body;
