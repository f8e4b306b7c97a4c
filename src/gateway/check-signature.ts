import type { Address, Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { classifySignature, type SignatureFault } from '../crypto/signature-shape.ts';
import { verifyStrict } from '../crypto/verifier.ts';
import type { Reason } from '../protocol/problem/reason.ts';

/**
 * Verifies a signature without network access.
 *
 * @returns true if the account's key signed; false if only the account's contract could accept it (ERC-1271).
 */
export const checkSignature = (
  payer: Address,
  digest: Hex,
  signature: Hex,
  field: string,
): Result<boolean, Reason> => {
  const refuse = (fault: SignatureFault): Result<boolean, Reason> =>
    fault.reason === 'counterfactual_signature'
      ? err({ reason: 'unsupported_signature', field })
      : err({ reason: 'invalid_signature', field, fault: fault.reason });
  const shape = classifySignature(signature);
  if (!shape.ok) return refuse(shape.error);
  if (shape.value === 'contract') return ok(false);
  const verified = verifyStrict(payer, digest, signature);
  if (verified.ok) return ok(true);
  // A contract account's signature looks like one by another key. A malleable signature belongs to no account.
  return verified.error.reason === 'wrong_signer' || verified.error.reason === 'unrecoverable'
    ? ok(false)
    : refuse(verified.error);
};
