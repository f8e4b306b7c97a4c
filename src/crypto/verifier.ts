import { keccak_256 } from '@noble/hashes/sha3.js';
import { ZERO_ADDRESS, type Address, type Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { byteLength, bytesOf, hexOf, isHex } from './bytes.ts';
import { type KnownKeys, openKnownKeys } from './known-keys.ts';
import { ORDER, type Point } from './secp256k1/curve.ts';
import { recoverKey, type Scalars } from './secp256k1/ecdsa.ts';
import { MAX_SIGNATURE_TEXT } from './signature-text.ts';
import { uintWord } from './typed-data.ts';

/** Why a signature is refused (design §4.7), with what was seen. */
export type SignatureFault =
  | { readonly reason: 'malformed_signature' }
  | { readonly reason: 'signature_too_large'; readonly limit: number }
  /** ERC-6492 or ERC-8010: verifying it would run deployment code that the sender chose. */
  | { readonly reason: 'counterfactual_signature' }
  | { readonly reason: 'signature_length'; readonly expected: 65; readonly got: number }
  | { readonly reason: 'recovery_byte'; readonly expected: '27 or 28'; readonly got: number }
  | { readonly reason: 'r_out_of_range' }
  | { readonly reason: 's_out_of_range' }
  | { readonly reason: 'high_s' }
  | { readonly reason: 'unrecoverable' }
  | { readonly reason: 'zero_address' }
  | { readonly reason: 'wrong_signer'; readonly expected: Address; readonly got: Address };

/** How a signature is shaped. A contract account may use either shape: what decides is whether the account has code. */
export type SignatureShape = 'ecdsa' | 'contract';

const ECDSA_BYTES = 65;
const HALF_ORDER = ORDER >> 1n;
const ERC6492_SUFFIX = '6492'.repeat(16);
const ERC8010_SUFFIX = '8010'.repeat(16);

/**
 * The shape of a signature. ERC-6492 comes first: with the wrapper looked at later, or ignored, an account could be judged
 * by two rules (standards facts 2.2).
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

/** The account of an uncompressed public key, which has 65 bytes. */
export const addressOfKey = (publicKey: Uint8Array): Address =>
  hexOf(keccak_256(publicKey.subarray(1)).subarray(12));

/** Every account's key that has signed in this isolate lately. */
const KNOWN = openKnownKeys();

/**
 * The numbers of a signature. Takes only what USDC takes on the chain: 65 bytes, v 27 or 28, low s. What is accepted more loosely
 * here (EIP-2098, v 0/1, high s) would be served here and revert there (design §4.7).
 */
const readStrict = (signature: string): Result<Scalars, SignatureFault> => {
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
  return ok({ r, s, parity: v === 27 ? 0 : 1 });
};

type Recovered = { readonly key: Point; readonly signer: Address };

const recover = (digest: Hex, scalars: Scalars): Result<Recovered, SignatureFault> => {
  const key = recoverKey(BigInt(digest), scalars);
  // r is no x coordinate of the curve, or the key is the point at infinity
  if (key === undefined) return err({ reason: 'unrecoverable' });
  const signer = addressOfKey(bytesOf(`0x04${uintWord(key.x)}${uintWord(key.y)}`));
  return signer === ZERO_ADDRESS ? err({ reason: 'zero_address' }) : ok({ key, signer });
};

/** The account whose key signed a 32-byte digest, by the strict rules of `verifyStrict`. */
export const recoverStrict = (digest: Hex, signature: string): Result<Address, SignatureFault> => {
  const scalars = readStrict(signature);
  if (!scalars.ok) return scalars;
  const recovered = recover(digest, scalars.value);
  return recovered.ok ? ok(recovered.value.signer) : recovered;
};

/**
 * Whether a key-held account signed a 32-byte digest. A key that has signed here often is asked by its table (`known-keys.ts`); all
 * others, and whatever a table does not confirm, by recovery. Accounts with code are asked through ERC-1271 instead, never here.
 */
export const verifyStrict = (
  account: Address,
  digest: Hex,
  signature: string,
  known: KnownKeys = KNOWN,
): Result<Address, SignatureFault> => {
  // ecrecover answers the zero address for garbage, so nobody may be it.
  if (account === ZERO_ADDRESS) return err({ reason: 'zero_address' });
  const scalars = readStrict(signature);
  if (!scalars.ok) return scalars;
  if (known.signed(account, BigInt(digest), scalars.value)) return ok(account);
  const recovered = recover(digest, scalars.value);
  if (!recovered.ok) return recovered;
  const { key, signer } = recovered.value;
  if (signer !== account) return err({ reason: 'wrong_signer', expected: account, got: signer });
  known.learn(account, key);
  return ok(account);
};
