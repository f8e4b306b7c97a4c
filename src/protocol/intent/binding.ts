import type { Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { AgentIntent } from './agent-intent.ts';

/** A request as the gateway saw it, never as it was told (design §4.1). */
export type ObservedRequest = {
  /** The configured origin the request was matched to, never the Host header. */
  readonly audience: string;
  readonly tool: string;
  readonly method: string;
  readonly target: string;
  readonly contentType: string;
  readonly payloadDigest: Hex;
};

/** The first field in which an intent and the request differ. */
export type BindingFault = {
  readonly reason: 'intent_mismatch';
  readonly field: keyof ObservedRequest;
  readonly expected: string;
  readonly got: string;
};

const BOUND: readonly (keyof ObservedRequest)[] = [
  'audience',
  'tool',
  'method',
  'target',
  'contentType',
  'payloadDigest',
];

/** Whether an intent was signed for exactly this request; a moved or altered one names the field that gives it away. */
export const bindIntent = (
  intent: AgentIntent,
  observed: ObservedRequest,
): Result<AgentIntent, BindingFault> => {
  for (const field of BOUND) {
    const expected = observed[field];
    const got = intent[field];
    if (got !== expected) return err({ reason: 'intent_mismatch', field, expected, got });
  }
  return ok(intent);
};

export const MAX_INTENT_WINDOW: Seconds = 300;
export const UNPAID_SKEW: Seconds = 30;

/** Why an intent may not execute now. Only an `expired` one may still look up what it did (design §4.6). */
export type WindowFault = {
  readonly reason: 'empty_window' | 'window_too_long' | 'not_yet_valid' | 'expired';
  readonly field: 'validAfter' | 'validBefore';
  readonly expected: string;
  readonly got: string;
};

/**
 * The clock of an unpaid intent: a window of at most 300 s, `validAfter - 30 <= now < validBefore + 30`.
 * The skew helps agents with bad clocks; a paid intent has none, because the chain has none.
 */
export const checkIntentWindow = (
  intent: AgentIntent,
  now: Seconds,
  skew: Seconds = UNPAID_SKEW,
): Result<AgentIntent, WindowFault> => {
  const leeway = BigInt(skew);
  const { validAfter, validBefore } = intent;
  const fault = (
    reason: WindowFault['reason'],
    field: WindowFault['field'],
    expected: string,
  ): Result<AgentIntent, WindowFault> =>
    err({ reason, field, expected, got: intent[field].toString() });

  if (validBefore <= validAfter) return fault('empty_window', 'validBefore', `> ${validAfter}`);
  const latest = validAfter + BigInt(MAX_INTENT_WINDOW);
  if (validBefore > latest) return fault('window_too_long', 'validBefore', `<= ${latest}`);
  const at = BigInt(now);
  if (at < validAfter - leeway) return fault('not_yet_valid', 'validAfter', `<= ${at + leeway}`);
  if (at >= validBefore + leeway) return fault('expired', 'validBefore', `> ${at - leeway}`);
  return ok(intent);
};
