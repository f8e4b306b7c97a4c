import { bytesToHex } from '@noble/hashes/utils.js';
import type { Address } from '../../core/hex.ts';
import { decodeBase64 } from '../../crypto/bytes.ts';
import { addressOfKey } from '../../crypto/verifier.ts';

/**
 * What precedes the point in the SubjectPublicKeyInfo of a secp256k1 key (RFC 5480 §2, SEC 2 §A.2): SEQUENCE, algorithm id-ecPublicKey with
 * curve 1.3.132.0.10, BIT STRING of 66 bytes without unused bits, then 04 for an uncompressed point. It has one encoding in DER, so the bytes
 * are compared: a key of another curve, e.g. P-256, differs here.
 */
const PREFIX = '3056301006072a8648ce3d020106052b8104000a03420004';
const PREFIX_BYTES = PREFIX.length / 2;
const SPKI_BYTES = 88;

/**
 * Reads the Ethereum address of a public key: the last 20 bytes of Keccak-256 of x and y.
 *
 * @param spki SubjectPublicKeyInfo in DER
 * @returns undefined if it is not exactly one uncompressed secp256k1 key. The point itself is not checked: a signature that recovers to the
 * address proves it.
 */
export const addressOfSpki = (spki: Uint8Array): Address | undefined => {
  if (spki.length !== SPKI_BYTES) return undefined;
  if (bytesToHex(spki.subarray(0, PREFIX_BYTES)) !== PREFIX) return undefined;
  return addressOfKey(spki.subarray(PREFIX_BYTES - 1));
};

const PEM =
  /^-----BEGIN PUBLIC KEY-----\n((?:[A-Za-z0-9+/]{1,64}={0,2}\n)+)-----END PUBLIC KEY-----\n?$/;

/** Decodes one public key in PEM (RFC 7468 §13). @returns undefined for other text, e.g. with headers or several keys. */
export const decodePublicKeyPem = (pem: string): Uint8Array | undefined => {
  const body = PEM.exec(pem)?.[1];
  return body === undefined ? undefined : decodeBase64(body.replaceAll('\n', ''));
};
