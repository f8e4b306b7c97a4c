import { ZERO_ADDRESS } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Authorization } from '../payment.ts';
import type { Requirement } from './requirement.ts';

/** Why an authorization does not pay the requirement. */
export type AuthorizationFault = {
  readonly reason:
    | 'zero_payer'
    | 'recipient_mismatch'
    | 'value_mismatch'
    | 'not_yet_valid'
    | 'valid_too_long'
    /** Correct except for time: it may look up the outcome of its call, never execute. */
    | 'expired';
  /** A path below the payment header. */
  readonly field: `payload.authorization.${keyof Authorization}`;
  readonly expected: string;
  readonly got: string;
};

/** Seconds of validity that facilitators require to get a transaction into a block. */
const SETTLE_MARGIN = 6n;
/** Seconds that a client's clock may be ahead of ours when it adds `maxTimeoutSeconds`. */
const CLOCK_LEAD = 60n;

/**
 * Checks what the payer signed against what the call costs, with the bounds that the token contract enforces (EIP-3009): `to` and
 * `value` exactly, `validAfter < now`, `now + 6 < validBefore <= now + maxTimeoutSeconds + 60`. An attacker could replay an
 * authorization with a later `validBefore` after the account pruned its nonce (CWE-294).
 */
export const checkAuthorization = (
  requirement: Requirement,
  authorization: Authorization,
  now: Seconds,
): Result<Authorization, AuthorizationFault> => {
  const fault = (
    reason: AuthorizationFault['reason'],
    field: keyof Authorization,
    expected: string,
  ): Result<Authorization, AuthorizationFault> =>
    err({
      reason,
      field: `payload.authorization.${field}`,
      expected,
      got: authorization[field].toString(),
    });

  const at = BigInt(now);
  const earliest = at + SETTLE_MARGIN;
  const latest = at + BigInt(requirement.maxTimeoutSeconds) + CLOCK_LEAD;
  if (authorization.from === ZERO_ADDRESS) return fault('zero_payer', 'from', 'a nonzero address');
  if (authorization.to !== requirement.payTo) {
    return fault('recipient_mismatch', 'to', requirement.payTo);
  }
  if (authorization.value !== requirement.amount) {
    return fault('value_mismatch', 'value', requirement.amount.toString());
  }
  if (authorization.validAfter >= at) return fault('not_yet_valid', 'validAfter', `< ${at}`);
  if (authorization.validBefore > latest) {
    return fault('valid_too_long', 'validBefore', `<= ${latest}`);
  }
  // Checked last, so that `expired` implies that everything else is correct.
  if (authorization.validBefore <= earliest)
    return fault('expired', 'validBefore', `> ${earliest}`);
  return ok(authorization);
};
