import { constants, crc32, deflateRawSync, gunzipSync, inflateRawSync } from 'node:zlib';
import { decodeUtf8, utf8 } from '../../crypto/bytes.ts';

/** Header of a gzip file (RFC 1952 §2.3) without name, time and system, so that equal text gives equal bytes. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/** An empty last block (RFC 1951 §3.2.6). */
const END = Uint8Array.of(3, 0);

/** Where a section is in its file: compressed bytes. */
export type Section = { readonly offset: number; readonly length: number };

export type GzipWriter = {
  /** Appends text as a section that can be read without the rest of the file. */
  readonly add: (text: string) => Section;
  /** Compressed bytes so far. */
  readonly size: () => number;
  readonly finish: () => Uint8Array<ArrayBuffer>;
};

/**
 * Writes one gzip member whose sections start at full flush points, where a decompressor needs nothing of what comes before (RFC 1951 §3.2,
 * zlib's `Z_FULL_FLUSH`).
 *
 * Trap: a file of several members would be simpler, and RFC 1952 allows it, but DuckDB 1.x reads such a file without an error and drops
 * lines at the seams.
 */
export const createGzipWriter = (): GzipWriter => {
  const sections: Uint8Array[] = [];
  let size = HEADER.length;
  let checksum = 0;
  let length = 0;
  return {
    add: (text) => {
      const bytes = utf8(text);
      const section = deflateRawSync(bytes, { level: 6, finishFlush: constants.Z_FULL_FLUSH });
      const offset = size;
      sections.push(section);
      size += section.byteLength;
      checksum = crc32(bytes, checksum);
      length = (length + bytes.byteLength) % 2 ** 32;
      return { offset, length: section.byteLength };
    },
    size: () => size,
    finish: () => {
      const trailer = new DataView(new ArrayBuffer(8));
      trailer.setUint32(0, checksum, true);
      trailer.setUint32(4, length, true);
      return joined([HEADER, ...sections, END, new Uint8Array(trailer.buffer)]);
    },
  };
};

/**
 * Decompresses one section.
 *
 * @param limit bytes of text, at most (CWE-409)
 * @throws Error if the bytes are not a section, or contain more text than that
 */
export const readSection = (section: Uint8Array, limit: number): string => {
  // Only the whole file has a checksum. A section needs none, because the hash chain proves its entries.
  const text = inflateRawSync(joined([section, END]), { maxOutputLength: limit });
  return decoded(text);
};

/** Decompresses a whole file. @param limit bytes of text, at most @throws Error if it is not gzip, or contains more text than that */
export const readGzip = (file: Uint8Array, limit: number): string =>
  decoded(gunzipSync(file, { maxOutputLength: limit }));

const decoded = (bytes: Uint8Array): string => {
  const text = decodeUtf8(new Uint8Array(bytes));
  if (text === undefined) throw new Error('The text is not UTF-8.');
  return text;
};

const joined = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
};
