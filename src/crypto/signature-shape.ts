import type { Address } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { byteLength, isHex } from './bytes.ts';

/** Longest signature in characters, `0x` included. */
export const MAX_SIGNATURE_TEXT = 8192;
/** Bytes of an ECDSA signature: r, s, v. */
export const ECDSA_BYTES = 65;

/** Why a signature is refused, with the fault. */
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
