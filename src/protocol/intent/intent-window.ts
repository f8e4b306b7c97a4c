import type { Seconds } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { AgentIntent } from './agent-intent.ts';

/** The longest validity of an intent. */
export const MAX_INTENT_WINDOW: Seconds = 300;
/** Tolerance for the clock of an agent that signs an unpaid intent. */
export const UNPAID_SKEW: Seconds = 30;

/** Why an intent may not execute now. An `expired` intent may still look up the outcome of its call. */
export type WindowFault = {
  readonly reason: 'empty_window' | 'window_too_long' | 'not_yet_valid' | 'expired';
  readonly field: 'validAfter' | 'validBefore';
  readonly expected: string;
  readonly got: string;
};

/**
 * Checks the validity window of an intent: at most 300 s long, and `validAfter - skew <= now < validBefore + skew`.
 *
 * @param skew tolerance in seconds; zero for a paid intent, because the chain grants its payment none
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
