import type { Seconds } from '../core/clock.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { AGENT_INTENT_HEADER } from '../protocol/intent/signed-intent.ts';
import { paymentField } from '../protocol/x402/payment-payload.ts';
import type { ShownProof } from './claim.ts';

/** How long after its end a proof may still look up its call. An account keeps most calls for less. */
const LOOK_UP_TIME: Seconds = 86_400;

/**
 * Refuses a proof that ended more than a day ago, before its body is read and its signature verified. Settled authorizations are public
 * and verify for ever (EIP-3009), so a flood of old ones must cost the Worker microseconds and their payer nothing (CWE-294).
 */
export const tooOld = (proof: ShownProof, now: Seconds): Reason | undefined => {
  const { field, validBefore, call } = endOf(proof);
  const oldest = BigInt(now - LOOK_UP_TIME);
  return validBefore >= oldest
    ? undefined
    : {
        reason: 'proof_too_old',
        field,
        expected: `>= ${oldest}`,
        got: validBefore.toString(),
        ...(call === undefined ? {} : { call }),
      };
};

const endOf = (proof: ShownProof) => {
  if (proof.kind === 'intent') {
    const { validBefore } = proof.signed.intent;
    return { field: `${AGENT_INTENT_HEADER}.intent.validBefore`, validBefore };
  }
  const { version, authorization } = proof.proof;
  return {
    field: paymentField(version, 'payload.authorization.validBefore'),
    validBefore: authorization.validBefore,
    call: authorization.nonce,
  };
};
