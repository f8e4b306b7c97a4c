import type { Tool } from '../../catalog/tool.ts';
import { nowSeconds, type Seconds } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import {
  AGENT_INTENT_HEADER,
  checkIntentWindow,
  type SignedIntent,
} from '../../protocol/intent/agent-intent.ts';
import { problem } from '../../protocol/problem/problem.ts';
import type { Reason } from '../../protocol/problem/reason.ts';
import { checkIntent } from '../check.ts';
import type { Gateway } from '../gateway.ts';
import { observeBody } from '../observe.ts';
import type { CheckedProof, ReceivedRequest, RequestHead } from '../paid-request.ts';
import { readProof } from '../proof.ts';
import { challenge, descriptionUrl } from '../request-proof.ts';

/** A request with a valid `Agent-Intent` for it. */
export type Authenticated = { readonly signer: CheckedProof; readonly received: ReceivedRequest };

/**
 * Authenticates a request that is not a call, and reads its body. Answers a request without an intent from its head alone and does not read
 * its body (CWE-400).
 */
export const authenticate = async (
  gateway: Gateway,
  tool: Tool,
  request: Request,
  head: RequestHead,
): Promise<Result<Authenticated, Response>> => {
  const signed = await readIntent(gateway, head, request.headers);
  if (!signed.ok) return signed;
  const received = await observeBody(request, tool, head);
  if (!received.ok) return err(await problem(received.error));
  const signer = await checkSigner(gateway, tool, received.value, signed.value);
  return signer.ok ? ok({ signer: signer.value, received: received.value }) : signer;
};

/**
 * Authenticates a request whose body was read: its `Agent-Intent` must be for exactly this request and in time. Burns nothing, so the same
 * intent may authenticate again until it expires. Unlike a call's, an expired intent authenticates nothing.
 *
 * @returns the proof, its signature verified as far as possible without the chain; or the answer that refuses it.
 */
export const authenticateReceived = async (
  gateway: Gateway,
  tool: Tool,
  received: ReceivedRequest,
  headers: Headers,
): Promise<Result<CheckedProof, Response>> => {
  const signed = await readIntent(gateway, received, headers);
  return signed.ok ? checkSigner(gateway, tool, received, signed.value) : signed;
};

const readIntent = async (
  { config }: Gateway,
  head: RequestHead,
  headers: Headers,
): Promise<Result<SignedIntent, Response>> => {
  const proof = readProof(headers);
  if (!proof.ok) {
    return err(await problem(proof.error, { docs: descriptionUrl(head.audience) }));
  }
  // A payment proves a key too, but it authorizes only a payment, and a settled one is public.
  return proof.value.kind === 'intent'
    ? ok(proof.value.signed)
    : err(await challenge(config, head));
};

const checkSigner = async (
  { config }: Gateway,
  tool: Tool,
  received: ReceivedRequest,
  signed: SignedIntent,
): Promise<Result<CheckedProof, Response>> => {
  const checked = checkSignedRequest(config, tool, received, signed, nowSeconds());
  return checked.ok
    ? checked
    : err(await problem(checked.error, { docs: descriptionUrl(received.audience) }));
};

/** Checks that an intent is for exactly this request and in time. Unlike a call's, an expired intent authenticates nothing. */
export const checkSignedRequest = (
  config: Gateway['config'],
  tool: Tool,
  received: ReceivedRequest,
  signed: SignedIntent,
  now: Seconds,
): Result<CheckedProof, Reason> => {
  const checked = checkIntent(config, tool, received, signed, now);
  if (!checked.ok) return checked;
  const timed = checkIntentWindow(signed.intent, now);
  if (timed.ok) return checked;
  const field = `${AGENT_INTENT_HEADER}.intent.${timed.error.field}`;
  return err({ ...timed.error, field });
};
