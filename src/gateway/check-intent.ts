import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config.ts';
import { network } from '../protocol/account-id.ts';
import { type Address } from '../core/hex.ts';
import { min } from '../protocol/amount.ts';
import type { Seconds } from '../core/clock.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type AgentIntent, intentDigest } from '../protocol/intent/agent-intent.ts';
import { bindIntent } from '../protocol/intent/binding.ts';
import { checkIntentWindow } from '../protocol/intent/intent-window.ts';
import { AGENT_INTENT_HEADER, type SignedIntent } from '../protocol/intent/signed-intent.ts';
import type { Token } from '../protocol/payment.ts';
import { tokenOf } from '../protocol/x402/tokens.ts';
import { checkSignature } from './check-signature.ts';
import type { CheckedProof, ReceivedRequest } from './paid-request.ts';

/**
 * Checks an `Agent-Intent`, which calls a free tool or pays from the agent's credit. Cheapest check first. Pure: a failed check burns no
 * call id.
 */
export const checkIntent = (
  config: Config,
  tool: Tool,
  received: ReceivedRequest,
  signed: SignedIntent,
  now: Seconds,
): Result<CheckedProof, Reason> => {
  const { intent, signature } = signed;
  const on = network(signed.chainId);
  const token = tokenOf(on);
  const payTo = config.payTo.get(on);
  if (token === undefined || payTo === undefined) {
    return err({
      reason: 'unsupported_network',
      field: `${AGENT_INTENT_HEADER}.chainId`,
      hint: `must be the chain of one of: ${config.networks.join(', ')}`,
    });
  }
  const timed = checkIntentWindow(intent, now);
  if (!timed.ok && timed.error.reason !== 'expired') return inIntent(timed.error);
  const bound = bindIntent(intent, received);
  if (!bound.ok) return inIntent(bound.error);
  const price = checkTerms(tool, intent, payTo, token);
  if (!price.ok) return price;

  const digest = intentDigest(intent, signed.chainId);
  const field = `${AGENT_INTENT_HEADER}.signature`;
  const verified = checkSignature(intent.agent, digest, signature, field);
  if (!verified.ok) return verified;
  return ok({
    kind: 'intent',
    version: 2,
    audience: received.audience,
    network: on,
    payer: intent.agent,
    payTo,
    token,
    price: price.value,
    call: digest,
    binding: 'intent',
    validBefore: Number(intent.validBefore),
    execute: timed.ok,
    digest,
    signature,
    signatureField: field,
    signedByKey: verified.value,
    intent,
  });
};

/**
 * Checks that an intent allows the price: payee, token and amount. An intent that names no amount must not spend credit. A free tool
 * ignores these fields.
 *
 * @returns the amount to reserve, atomic units.
 */
const checkTerms = (
  tool: Tool,
  intent: AgentIntent,
  payTo: Address,
  token: Token,
): Result<bigint, Reason> => {
  if (tool.settlement === 'free') return ok(tool.price);
  const wrong = (field: keyof AgentIntent, expected: string, got: string) =>
    inIntent<bigint>({ reason: 'intent_mismatch', field, expected, got });
  if (intent.payTo !== payTo) return wrong('payTo', payTo, intent.payTo);
  if (intent.asset !== token.address) return wrong('asset', token.address, intent.asset);
  const least = tool.pricing === 'upto' ? 1n : tool.price;
  return intent.maxAmount < least
    ? wrong('maxAmount', `>= ${least}`, intent.maxAmount.toString())
    : ok(min(tool.price, intent.maxAmount));
};

type Mismatch = Extract<Reason, { readonly expected: string }>;

const inIntent = <T>(fault: Mismatch): Result<T, Reason> =>
  err({ ...fault, field: `${AGENT_INTENT_HEADER}.intent.${fault.field}` });
