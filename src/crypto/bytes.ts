import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { Hex } from '../core/hex.ts';

const HEX = /^0x(?:[0-9a-fA-F]{2})*$/;
// The last group's unused bits are zero: one text for one value (RFC 4648 section 3.5).
const BASE64 =
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;
const BASE64URL =
  /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?$/;

/** Bytes as 0x-prefixed lowercase hex. */
export const hexOf = (bytes: Uint8Array): Hex => `0x${bytesToHex(bytes)}`;

/** The bytes of 0x-prefixed hex. @throws Error when it is not; use `isHex` on what others sent. */
export const bytesOf = (hex: Hex): Uint8Array => hexToBytes(hex.slice(2));

/** Whether a text is 0x-prefixed hex of whole bytes, in either case. */
export const isHex = (text: string): text is Hex => HEX.test(text);

/** How many bytes a hex text stands for. */
export const byteLength = (hex: Hex): number => (hex.length - 2) / 2;

const binaryBytes = (binary: string): Uint8Array => {
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
};

/** Standard base64 with padding, canonical; undefined for anything else, base64url included (x402 facts 1.1). */
export const decodeBase64 = (text: string): Uint8Array | undefined =>
  BASE64.test(text) ? binaryBytes(atob(text)) : undefined;

/** Base64url without padding, canonical; undefined for anything else. */
export const decodeBase64Url = (text: string): Uint8Array | undefined =>
  BASE64URL.test(text)
    ? binaryBytes(atob(text.replaceAll('-', '+').replaceAll('_', '/')))
    : undefined;

/** UTF-8 text; undefined where the bytes are not UTF-8, an encoded surrogate included. */
export const decodeUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/** Standard base64 with padding. */
export const encodeBase64 = (bytes: Uint8Array): string => {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
};

/** Base64url without padding. */
export const encodeBase64Url = (bytes: Uint8Array): string =>
  encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

const encoder = new TextEncoder();

/** The UTF-8 bytes of a text. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);
