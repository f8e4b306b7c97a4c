import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { Hex } from '../core/hex.ts';

const HEX = /^0x(?:[0-9a-fA-F]{2})*$/;
// Unused bits of the last group must be zero, so that each value has one text (RFC 4648 §3.5).
const BASE64 =
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;
const BASE64URL =
  /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$/;

/** Encodes bytes as 0x-prefixed lowercase hex. */
export const hexOf = (bytes: Uint8Array): Hex => `0x${bytesToHex(bytes)}`;

/** Decodes 0x-prefixed hex. @throws Error for other text: check untrusted text with `isHex` first. */
export const bytesOf = (hex: Hex): Uint8Array => hexToBytes(hex.slice(2));

/** Whether a text is 0x-prefixed hex of whole bytes, in lower or upper case. */
export const isHex = (text: string): text is Hex => HEX.test(text);

/** Returns the length of hex in bytes. */
export const byteLength = (hex: Hex): number => (hex.length - 2) / 2;

const binaryBytes = (binary: string): Uint8Array => {
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
};

/** Decodes canonical standard base64 with padding. @returns undefined for other text, base64url included. */
export const decodeBase64 = (text: string): Uint8Array | undefined =>
  BASE64.test(text) ? binaryBytes(atob(text)) : undefined;

/** Decodes canonical base64url without padding. @returns undefined for other text. */
export const decodeBase64Url = (text: string): Uint8Array | undefined =>
  BASE64URL.test(text)
    ? binaryBytes(atob(text.replaceAll('-', '+').replaceAll('_', '/')))
    : undefined;

/** Decodes UTF-8. @returns undefined for bytes that are not UTF-8, e.g. an encoded surrogate. */
export const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/** Encodes standard base64 with padding. */
export const encodeBase64 = (bytes: Uint8Array): string => {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
};

/** Encodes base64url without padding. */
export const encodeBase64Url = (bytes: Uint8Array): string =>
  encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

const encoder = new TextEncoder();

/** Encodes a text as UTF-8. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** Hashes bytes with SHA-256, synchronously: for storage transactions and short texts. */
export const sha256Hex = (bytes: Uint8Array): Hex => hexOf(sha256(bytes));

/** Hashes a body with SHA-256 in the native code of the runtime. */
export const bodyDigest = async (body: Uint8Array<ArrayBuffer>): Promise<Hex> =>
  hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', body)));
