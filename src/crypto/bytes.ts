import { sha256 } from '#sha256';
import { bytesToHex, hexToBytes } from '#hex-digits';
import type { Hex } from '../core/hex.ts';

const HEX = /^0x[0-9a-fA-F]*$/;
/** Encodes bytes as 0x-prefixed lowercase hex. */
export const hexOf = (bytes: Uint8Array): Hex => `0x${bytesToHex(bytes)}`;

/** Decodes 0x-prefixed hex. @throws Error for other text: check untrusted text with `isHex` first. */
export const bytesOf = (hex: Hex): Uint8Array => hexToBytes(hex.slice(2));

/** Whether a text is 0x-prefixed hex of whole bytes, in lower or upper case. */
export const isHex = (text: string): text is Hex => text.length % 2 === 0 && HEX.test(text);

/** Returns the length of hex in bytes. */
export const byteLength = (hex: Hex): number => (hex.length - 2) / 2;

const binaryBytes = (binary: string): Uint8Array => {
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
};

/**
 * Decodes canonical standard base64 with padding to a binary string: each character is one byte.
 *
 * @returns undefined for text that is not the encoding of its own bytes: each value has one text (RFC 4648 §3.5).
 */
export const decodeBinary = (text: string): string | undefined => {
  try {
    const binary = atob(text);
    return btoa(binary) === text ? binary : undefined;
  } catch {
    return undefined;
  }
};

const URL_SAFE = /^[A-Za-z0-9_-]*$/;

/** Like `decodeBinary`, for base64url without padding. */
export const decodeBinaryUrl = (text: string): string | undefined =>
  URL_SAFE.test(text)
    ? decodeBinary(
        `${text.replaceAll('-', '+').replaceAll('_', '/')}${'='.repeat(-text.length & 3)}`,
      )
    : undefined;

/** Decodes canonical standard base64 with padding. @returns undefined for other text, base64url included. */
export const decodeBase64 = (text: string): Uint8Array | undefined => {
  const binary = decodeBinary(text);
  return binary === undefined ? undefined : binaryBytes(binary);
};

/** Decodes canonical base64url without padding. @returns undefined for other text. */
export const decodeBase64Url = (text: string): Uint8Array | undefined => {
  const binary = decodeBinaryUrl(text);
  return binary === undefined ? undefined : binaryBytes(binary);
};

const NOT_ASCII = /[^\x00-\x7f]/;

/** Decodes the UTF-8 in a binary string. @returns undefined for bytes that are not UTF-8. */
export const decodeBinaryUtf8 = (binary: string): string | undefined =>
  NOT_ASCII.test(binary) ? decodeUtf8(binaryBytes(binary)) : binary;

/** Decodes UTF-8. @returns undefined for bytes that are not UTF-8, e.g. an encoded surrogate. */
export const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/** A member of ES2026 that Node 24 and older browsers lack. */
type NativeBase64 = {
  readonly toBase64?: (options?: {
    readonly alphabet: 'base64url';
    readonly omitPadding: true;
  }) => string;
};

/** Encodes standard base64 with padding. */
export const encodeBase64 = (bytes: Uint8Array): string => {
  const native = (bytes as NativeBase64).toBase64?.();
  if (native !== undefined) return native;
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
};

/** Encodes base64url without padding. */
export const encodeBase64Url = (bytes: Uint8Array): string =>
  (bytes as NativeBase64).toBase64?.({ alphabet: 'base64url', omitPadding: true }) ??
  encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

const encoder = new TextEncoder();

/** Encodes a text as UTF-8. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> =>
  // The types of workerd leave open which buffer it is.
  encoder.encode(text) as Uint8Array<ArrayBuffer>;

/** Hashes bytes with SHA-256, synchronously: for storage transactions and short texts. */
export const sha256Hex = (bytes: Uint8Array): Hex => hexOf(sha256(bytes));

/** Hashes a body with SHA-256 in the native code of the runtime. */
export const bodyDigest = async (body: Uint8Array<ArrayBuffer>): Promise<Hex> =>
  hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', body)));
