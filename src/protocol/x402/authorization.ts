import { ZERO_ADDRESS } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Authorization } from '../payment.ts';
import type { Requirement } from './requirement.ts';

export type AuthorizationFault = {
  readonly reason:
    | 'zero_payer'
    | 'recipient_mismatch'
    | 'value_mismatch'
    | 'not_yet_valid'
    | 'valid_too_long'
    /** Right in everything but time: it may look up what it did, never execute (design §4.6). */
    | 'expired';
  /** A path below the payment header. */
  readonly field: `payload.authorization.${keyof Authorization}`;
  readonly expected: string;
  readonly got: string;
};

/** Facilitators want this much left to get a transaction into a block (x402 facts 2.1). */
const SETTLE_MARGIN = 6n;
/** What a client's clock may run ahead of ours when it adds `maxTimeoutSeconds` (design §4.2). */
const CLOCK_LEAD = 60n;

/**
 * Checks what the payer signed against what the call costs, with the chain's own bounds: `to` and `value` exactly,
 * `validAfter < now`, `now + 6 < validBefore <= now + maxTimeoutSeconds + 60`. A later `validBefore` would outlive our memory
 * of its nonce and could be replayed after pruning (design §4.2).
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
  if (authorization.from === ZERO_ADDRESS) return fault('zero_payer', 'from', 'a payer');
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
  // Last, so that `expired` means: all else was right.
  if (authorization.validBefore <= earliest)
    return fault('expired', 'validBefore', `> ${earliest}`);
  return ok(authorization);
};
