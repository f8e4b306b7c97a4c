import { err, ok, type Result } from '../../core/result.ts';
import type { AgentIntent } from './agent-intent.ts';
import type { ObservedRequest } from './observed-request.ts';

/**
 * `validAfter` of a bound payment: 0x436F756E, "Coun" in ASCII, a moment in 2005 that no x402 client signs. The payer's signature
 * covers it, so the gateway still recognises a bound payment after an attacker stripped its intent (CWE-757).
 */
export const BOUND_VALID_AFTER = 1_131_378_030n;

/** Values from `BOUND_VALID_AFTER` on: value + n stands for binding form n + 1. */
const RESERVED = 256n;

/** The binding form that `validAfter` of an authorization states. `unknown`: a reserved value that has no meaning yet. */
export type BindingMark = 'none' | 'eip3009-nonce' | 'unknown';

/** Reads the binding mark of an authorization. */
export const bindingMarkOf = (validAfter: bigint): BindingMark => {
  if (validAfter === BOUND_VALID_AFTER) return 'eip3009-nonce';
  const isReserved = validAfter > BOUND_VALID_AFTER && validAfter < BOUND_VALID_AFTER + RESERVED;
  return isReserved ? 'unknown' : 'none';
};

/** The first field in which an intent and the request differ. */
export type BindingFault = {
  readonly reason: 'intent_mismatch';
  readonly field: keyof ObservedRequest;
  readonly expected: string;
  readonly got: string;
};

const BOUND_FIELDS: readonly (keyof ObservedRequest)[] = [
  'audience',
  'tool',
  'method',
  'target',
  'contentType',
  'payloadDigest',
];

/** Checks that the agent signed an intent for exactly this request. The fault names the first field that differs. */
export const bindIntent = (
  intent: AgentIntent,
  observed: ObservedRequest,
): Result<AgentIntent, BindingFault> => {
  for (const field of BOUND_FIELDS) {
    const expected = observed[field];
    const got = intent[field];
    if (got !== expected) return err({ reason: 'intent_mismatch', field, expected, got });
  }
  return ok(intent);
};
