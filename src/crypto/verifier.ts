import { keccakOfBytes } from '#keccak';
import { recoverPublicKey } from '#libsecp256k1';
import { type Address, type Hex, ZERO_ADDRESS } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { bytesOf } from './bytes.ts';
import { classifySignature, ECDSA_BYTES, type SignatureFault } from './signature-shape.ts';

/** Order of secp256k1's group (SEC 2 §2.4.1) and its half, as 64 digits: such texts compare like their numbers. */
const ORDER = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
const HALF_ORDER = '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0';
const ZERO = '0'.repeat(64);

/** Returns the account of an uncompressed public key of 65 bytes. */
export const addressOfKey = (publicKey: Uint8Array): Address =>
  `0x${keccakOfBytes(publicKey.subarray(1)).slice(24)}`;

/**
 * Reads only the signatures that USDC accepts on the chain: 65 bytes, v 27 or 28, r and s from 1 to the order less one, low s. A looser
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
  const digits = signature.toLowerCase();
  const r = digits.slice(2, 66);
  const s = digits.slice(66, 130);
  if (r === ZERO || r >= ORDER) return err({ reason: 'r_out_of_range' });
  if (s === ZERO || s >= ORDER) return err({ reason: 's_out_of_range' });
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
  // r is not the x-coordinate of a point, or the key would be the point at infinity.
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
