import type { Tool } from '../catalog/tool.ts';
import { nowSeconds } from '../core/clock.ts';
import { problem } from '../protocol/problem/problem.ts';
import { err, ok, type Result } from '../core/result.ts';
import { checkIntentWindow } from '../protocol/intent/intent-window.ts';
import { AGENT_INTENT_HEADER, type SignedIntent } from '../protocol/intent/signed-intent.ts';
import { discard } from './body.ts';
import { challenge } from './challenge.ts';
import type { Checked } from './checked.ts';
import { checkIntent } from './check-intent.ts';
import { claim } from './claim.ts';
import { descriptionUrl } from './description-path.ts';
import type { Gateway } from './gateway.ts';
import type { Head } from './head.ts';
import { type Observed, observe } from './observe.ts';

/** A request that is no call, from an account that has signed it. */
export type Asking = { readonly asker: Checked; readonly observed: Observed };

/** Reads a request that is no call. Without an intent it is answered from its head alone, and its body is not read (CWE-400). */
export const readAsking = async (
  gateway: Gateway,
  tool: Tool,
  request: Request,
  head: Head,
): Promise<Result<Asking, Response>> => {
  const signed = await signedBy(gateway, head, request.headers);
  if (!signed.ok) {
    await discard(request);
    return signed;
  }
  const observed = await observe(request, tool, head);
  if (!observed.ok) return err(await problem(observed.error));
  const asker = await checkAsker(gateway, tool, observed.value, signed.value);
  return asker.ok ? ok({ asker: asker.value, observed: observed.value }) : asker;
};

/**
 * Who asks for something that is no call: the account whose `Agent-Intent` for exactly this request is in time. Nothing is claimed,
 * so an intent may ask again while it lasts; once it is over it is worth nothing, unlike a call's, which may still look itself up.
 *
 * @returns the proof, its signature checked as far as the key goes; or the answer that refuses it.
 */
export const askerOf = async (
  gateway: Gateway,
  tool: Tool,
  observed: Observed,
  headers: Headers,
): Promise<Result<Checked, Response>> => {
  const signed = await signedBy(gateway, observed, headers);
  return signed.ok ? checkAsker(gateway, tool, observed, signed.value) : signed;
};

const signedBy = async (
  { config }: Gateway,
  head: Head,
  headers: Headers,
): Promise<Result<SignedIntent, Response>> => {
  const claimed = claim(headers);
  if (!claimed.ok) {
    return err(await problem(claimed.error, { docs: descriptionUrl(head.audience) }));
  }
  // A payment proves a key too, but what it says is "pay", and a settled one is public.
  return claimed.value.kind === 'intent'
    ? ok(claimed.value.signed)
    : err(await challenge(config, head));
};

const checkAsker = async (
  { config }: Gateway,
  tool: Tool,
  observed: Observed,
  signed: SignedIntent,
): Promise<Result<Checked, Response>> => {
  const docs = descriptionUrl(observed.audience);
  const now = nowSeconds();
  const checked = checkIntent(config, tool, observed, signed, now);
  if (!checked.ok) return err(await problem(checked.error, { docs }));
  const timed = checkIntentWindow(signed.intent, now);
  if (timed.ok) return ok(checked.value);
  const field = `${AGENT_INTENT_HEADER}.intent.${timed.error.field}`;
  return err(await problem({ ...timed.error, field }, { docs }));
};
