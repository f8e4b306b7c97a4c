import type { Address, Hex } from '../core/hex.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { classifySignature, type SignatureFault, verifyStrict } from '../crypto/verifier.ts';

/** §4.7. True: the account's key signed. False: 65 bytes or not, only the account's own code could accept it. */
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
  // Another signer's key is what a contract account's signature looks like; a malleable one is never anybody's.
  return verified.error.reason === 'wrong_signer' || verified.error.reason === 'unrecoverable'
    ? ok(false)
    : refuse(verified.error);
};
