import type { Tool } from '../catalog/tool.ts';
import { nowSeconds } from '../core/clock.ts';
import { problem } from '../core/problem.ts';
import { err, ok, type Result } from '../core/result.ts';
import { checkIntentWindow } from '../intent/binding.ts';
import { AGENT_INTENT_HEADER } from '../intent/header.ts';
import { challenge } from './challenge.ts';
import type { Checked } from './checked.ts';
import { checkIntent } from './check-intent.ts';
import { claim } from './claim.ts';
import { descriptionUrl } from './description-path.ts';
import type { Gateway } from './gateway.ts';
import type { Observed } from './observe.ts';

/**
 * Who asks for something that is no call: the account whose `Agent-Intent` for exactly this request is in time. Nothing is claimed,
 * so an intent may ask again while it lasts; once it is over it is worth nothing, unlike a call's, which may still look itself up.
 *
 * @returns the proof, its signature checked as far as the key goes; or the answer that refuses it.
 */
export const askerOf = (
  { config }: Gateway,
  tool: Tool,
  observed: Observed,
  headers: Headers,
): Result<Checked, Response> => {
  const docs = descriptionUrl(observed.audience);
  const claimed = claim(headers);
  if (!claimed.ok) return err(problem(claimed.error, { docs }));
  // A payment proves a key too, but what it says is "pay", and a settled one is public.
  if (claimed.value.kind !== 'intent') return err(challenge(config, observed));
  const { signed } = claimed.value;
  const now = nowSeconds();
  const checked = checkIntent(config, tool, observed, signed, now);
  if (!checked.ok) return err(problem(checked.error, { docs }));
  const timed = checkIntentWindow(signed.intent, now);
  if (timed.ok) return ok(checked.value);
  const field = `${AGENT_INTENT_HEADER}.intent.${timed.error.field}`;
  return err(problem({ ...timed.error, field }, { docs }));
};
