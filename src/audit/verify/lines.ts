import { MAX_ENTRY_TEXT } from '../entry-text.ts';

/** A file of an export. It is read twice, so `open` must begin anew each time. */
export type LogFile = {
  /** Its path, as a report names it. A name that ends in `.gz` is decompressed. */
  readonly name: string;
  readonly open: () => AsyncIterable<Uint8Array>;
  /** Bytes, if known: for progress. */
  readonly size?: number;
};

/** A line without its line feed. Lines count from 1. */
export type Line = { readonly number: number; readonly bytes: Uint8Array };

/** Why a file cannot be read to its end. */
export type ReadFault = {
  readonly line: number;
  readonly reason: 'line_too_long' | 'not_gzip' | 'expands' | 'unreadable';
};

/** Some lines of a file, and the fault that ended it. */
export type Batch = { readonly lines: readonly Line[]; readonly fault?: ReadFault };

const LINE_FEED = 0x0a;

/** A verifier stops reading a file after this many broken lines: two kilobytes of gzip can hold two million of them (CWE-400). */
export const MAX_BROKEN_LINES = 100;

/**
 * A compressed file decompresses to at most this many times its own size, plus a constant: gzip reaches a thousand (CWE-409). Gzip repeats
 * only text that is at most 32 KiB back, and the salt, hashes and signature of an entry, some 260 bytes, do not compress.
 */
const MAX_RATIO = 128;
const FREE_BYTES = 65_536;

/** Lines of a batch, at most: a chunk of bytes may be a million empty ones. */
const MAX_BATCH = 4_096;

class Expands extends Error {}

/**
 * Reads the lines of a file in batches, of one chunk of bytes each. A last line without a line feed counts. Holds one chunk and at most one
 * unfinished line: a file without line feeds must not fill the memory (CWE-400).
 *
 * @param limit bytes of a line, at most
 * @param progress called with the number of bytes read from the file
 */
export async function* readLines(
  file: LogFile,
  { limit = MAX_ENTRY_TEXT, progress }: ReadOptions = {},
): AsyncGenerator<Batch> {
  let rest = new Uint8Array();
  let number = 0;
  const chunks = bytesOf(file, progress)[Symbol.asyncIterator]();
  for (;;) {
    let chunk: Uint8Array | undefined;
    try {
      const next = await chunks.next();
      chunk = next.done === true ? undefined : next.value;
    } catch (thrown) {
      // Runtimes differ in how much of a damaged stream they return before the error, so the line is always 1.
      const isGzip = isCompressed(file);
      const reason = thrown instanceof Expands ? 'expands' : isGzip ? 'not_gzip' : 'unreadable';
      yield { lines: [], fault: { line: isGzip ? 1 : number + 1, reason } };
      return;
    }
    if (chunk === undefined) break;
    const bytes = rest.length === 0 ? chunk : joined(rest, chunk);
    let lines: Line[] = [];
    let from = 0;
    for (;;) {
      if (lines.length === MAX_BATCH) {
        yield { lines };
        lines = [];
      }
      const end = bytes.indexOf(LINE_FEED, from);
      const length = (end < 0 ? bytes.length : end) - from;
      if (length > limit) {
        await chunks.return?.(undefined);
        yield { lines, fault: { line: number + 1, reason: 'line_too_long' } };
        return;
      }
      if (end < 0) break;
      number += 1;
      lines.push({ number, bytes: bytes.subarray(from, end) });
      from = end + 1;
    }
    // Copy, because a source may reuse its buffer.
    rest = bytes.slice(from);
    yield { lines };
  }
  if (rest.length > 0) yield { lines: [{ number: number + 1, bytes: rest }] };
}

export type ReadOptions = {
  readonly limit?: number;
  readonly progress?: ((bytes: number) => void) | undefined;
};

const isCompressed = ({ name }: LogFile): boolean => name.endsWith('.gz');

const joined = (one: Uint8Array, other: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(one.length + other.length);
  bytes.set(one);
  bytes.set(other, one.length);
  return bytes;
};

async function* bytesOf(
  file: LogFile,
  progress: ReadOptions['progress'],
): AsyncGenerator<Uint8Array> {
  let packed = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of file.open()) {
      packed += chunk.length;
      progress?.(chunk.length);
      yield chunk;
    }
  };
  if (!isCompressed(file)) {
    yield* counted();
    return;
  }
  const reader = streamOf(counted()).pipeThrough(new DecompressionStream('gzip')).getReader();
  let text = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value.length;
      if (text > FREE_BYTES + MAX_RATIO * (file.size ?? packed)) throw new Expands();
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** `ReadableStream.from` is not in every browser. */
const streamOf = (chunks: AsyncGenerator<Uint8Array>): ReadableStream<BufferSource> =>
  new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    cancel: async () => void (await chunks.return(undefined)),
  });
