import { recoverPublicKey } from '#libsecp256k1';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { ZERO_ADDRESS, type Address, type Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { byteLength, bytesOf, hexOf, isHex } from './bytes.ts';
import { MAX_SIGNATURE_TEXT } from './signature-text.ts';

/** Why a signature is refused, with what was found. */
export type SignatureFault =
  | { readonly reason: 'malformed_signature' }
  | { readonly reason: 'signature_too_large'; readonly limit: number }
  /** ERC-6492 or ERC-8010: verifying it would run deployment code that the caller chose. */
  | { readonly reason: 'counterfactual_signature' }
  | { readonly reason: 'signature_length'; readonly expected: 65; readonly got: number }
  | { readonly reason: 'recovery_byte'; readonly expected: '27 or 28'; readonly got: number }
  | { readonly reason: 'r_out_of_range' }
  | { readonly reason: 's_out_of_range' }
  | { readonly reason: 'high_s' }
  | { readonly reason: 'unrecoverable' }
  | { readonly reason: 'zero_address' }
  | { readonly reason: 'wrong_signer'; readonly expected: Address; readonly got: Address };

/** Shape of a signature. A contract account may use either: whether the account has code decides how it is verified. */
export type SignatureShape = 'ecdsa' | 'contract';

const ECDSA_BYTES = 65;
/** Order of secp256k1's group (SEC 2 §2.4.1). */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const HALF_ORDER = ORDER >> 1n;
const ERC6492_SUFFIX = '6492'.repeat(16);
const ERC8010_SUFFIX = '8010'.repeat(16);

/**
 * Classifies a signature by its shape. Counterfactual wrappers are refused first: a wrapper of 65 bytes would otherwise be verified as
 * an ECDSA signature, and one account would have two rules (ERC-6492, ERC-8010).
 */
export const classifySignature = (signature: string): Result<SignatureShape, SignatureFault> => {
  if (signature.length > MAX_SIGNATURE_TEXT) {
    return err({ reason: 'signature_too_large', limit: MAX_SIGNATURE_TEXT });
  }
  if (!isHex(signature)) return err({ reason: 'malformed_signature' });
  const lower = signature.toLowerCase();
  if (lower.endsWith(ERC6492_SUFFIX) || lower.endsWith(ERC8010_SUFFIX)) {
    return err({ reason: 'counterfactual_signature' });
  }
  return ok(byteLength(signature) === ECDSA_BYTES ? 'ecdsa' : 'contract');
};

/** The account of an uncompressed public key of 65 bytes. */
export const addressOfKey = (publicKey: Uint8Array): Address =>
  hexOf(keccak_256(publicKey.subarray(1)).subarray(12));

/**
 * Reads what USDC accepts on the chain, and nothing more: 65 bytes, v 27 or 28, r and s from 1 to the order less one, low s. A looser
 * reading (EIP-2098, v 0/1, high s) would serve a call whose settlement reverts.
 *
 * @returns recovery id, r, s, as libsecp256k1 takes them.
 */
const readStrict = (signature: string): Result<Uint8Array, SignatureFault> => {
  const shape = classifySignature(signature);
  if (!shape.ok) return shape;
  const bytes = bytesOf(signature as Hex);
  if (shape.value !== 'ecdsa') {
    return err({ reason: 'signature_length', expected: ECDSA_BYTES, got: bytes.length });
  }
  const v = bytes[64] ?? 0;
  if (v !== 27 && v !== 28) return err({ reason: 'recovery_byte', expected: '27 or 28', got: v });
  const r = BigInt(signature.slice(0, 66));
  const s = BigInt(`0x${signature.slice(66, 130)}`);
  if (r < 1n || r >= ORDER) return err({ reason: 'r_out_of_range' });
  if (s < 1n || s >= ORDER) return err({ reason: 's_out_of_range' });
  if (s > HALF_ORDER) return err({ reason: 'high_s' });
  const recoverable = new Uint8Array(ECDSA_BYTES);
  recoverable[0] = v - 27;
  recoverable.set(bytes.subarray(0, 64), 1);
  return ok(recoverable);
};

/** Recovers the account whose key signed a 32-byte digest, by the rules of `verifyStrict`. */
export const recoverStrict = (digest: Hex, signature: string): Result<Address, SignatureFault> => {
  const read = readStrict(signature);
  if (!read.ok) return read;
  const key = recoverPublicKey(read.value, bytesOf(digest));
  // r is the x of no point, or the key would be the point at infinity.
  if (key === undefined) return err({ reason: 'unrecoverable' });
  const signer = addressOfKey(key);
  return signer === ZERO_ADDRESS ? err({ reason: 'zero_address' }) : ok(signer);
};

/**
 * Verifies that the key of an account signed a 32-byte digest. The chain vouches for accounts with code (ERC-1271), never this function.
 */
export const verifyStrict = (
  account: Address,
  digest: Hex,
  signature: string,
): Result<Address, SignatureFault> => {
  // ecrecover returns the zero address for garbage, so no account may have it.
  if (account === ZERO_ADDRESS) return err({ reason: 'zero_address' });
  const recovered = recoverStrict(digest, signature);
  if (!recovered.ok || recovered.value === account) return recovered;
  return err({ reason: 'wrong_signer', expected: account, got: recovered.value });
};
