import type { Binding } from '../protocol/account/call.ts';
import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config.ts';
import { chainIdOf, type Network } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { transferWithAuthorizationDigest } from '../protocol/x402/transfer-digest.ts';
import { type AgentIntent, intentDigest } from '../protocol/intent/agent-intent.ts';
import { bindIntent } from '../protocol/intent/binding.ts';
import { checkIntentWindow } from '../protocol/intent/intent-window.ts';
import { checkAuthorization } from '../protocol/x402/authorization.ts';
import { type PaymentPayload } from '../protocol/x402/payment-payload.ts';
import { paymentField } from '../protocol/x402/headers.ts';
import { matchRequirement, requirementOn } from '../protocol/x402/requirement.ts';
import { tokenOf } from '../protocol/x402/tokens.ts';
import { bindingRequired, INTENT } from './proof.ts';
import { checkSignature } from './check-signature.ts';
import type { CheckedProof, ReceivedRequest } from './paid-request.ts';
import { requirementsOf } from './requirements.ts';

/**
 * Checks a payment, cheapest check first: match with the offer, times, binding to the request, signature. Pure: a failed check burns no
 * call id.
 */
export const checkPayment = (
  config: Config,
  tool: Tool,
  received: ReceivedRequest,
  payload: PaymentPayload,
  now: Seconds,
): Result<CheckedProof, Reason> => {
  const { version, authorization, signature } = payload;
  const requirements = requirementsOf(config, tool);
  const matched =
    payload.accepted === undefined
      ? requirementOn(requirements, payload.network)
      : matchRequirement(requirements, payload.accepted);
  if (!matched.ok) return at(version, matched.error);
  const requirement = matched.value;
  const token = tokenOf(requirement.network);
  if (token === undefined) return err({ reason: 'internal' });

  const timed = checkAuthorization(requirement, authorization, now);
  if (!timed.ok && timed.error.reason !== 'expired') return at(version, timed.error);

  let binding: Binding = 'none';
  if (payload.intent === undefined && tool.requireBinding === 'intent') {
    return err(bindingRequired(version, 'tool'));
  }
  if (payload.intent !== undefined) {
    const bound = checkBound(payload.intent, payload, received, requirement.network, now);
    if (!bound.ok) return bound;
    binding = 'intent';
  }

  const digest = transferWithAuthorizationDigest(token, authorization);
  const field = paymentField(version, 'payload.signature');
  const signed = checkSignature(authorization.from, digest, signature, field);
  if (!signed.ok) return signed;
  return ok({
    kind: 'payment',
    version,
    audience: received.audience,
    network: requirement.network,
    payer: authorization.from,
    payTo: requirement.payTo,
    token,
    price: tool.price,
    call: authorization.nonce,
    binding,
    validBefore: Number(authorization.validBefore),
    execute: timed.ok && (payload.intent === undefined || BigInt(now) < payload.intent.validBefore),
    digest,
    signature,
    signatureField: field,
    signedByKey: signed.value,
    payment: { token, authorization, signature, maxTimeoutSeconds: requirement.maxTimeoutSeconds },
    ...(payload.intent === undefined ? {} : { intent: payload.intent }),
    // A bound payment already has a retry key: a second secret would be a second way to the stored answer.
    ...(payload.intent !== undefined || payload.paymentIdentifier === undefined
      ? {}
      : { paymentIdentifier: payload.paymentIdentifier }),
  });
};

/** Checks a bound payment: its EIP-3009 nonce must be the intent digest, so that the token signature commits to exactly this request. */
const checkBound = (
  intent: AgentIntent,
  { version, authorization }: PaymentPayload,
  received: ReceivedRequest,
  on: Network,
  now: Seconds,
): Result<true, Reason> => {
  const wrong = (field: string, expected: string, got: string): Result<true, Reason> =>
    at(version, { reason: 'intent_mismatch', field: `${INTENT}.${field}`, expected, got });
  // The intent limits when the gateway may accept the payment. An expired one may still look up its call.
  const timed = checkIntentWindow(intent, now, 0);
  if (!timed.ok && timed.error.reason !== 'expired') {
    return at(version, { ...timed.error, field: `${INTENT}.${timed.error.field}` });
  }
  const bound = bindIntent(intent, received);
  if (!bound.ok) return wrong(bound.error.field, bound.error.expected, bound.error.got);
  if (intent.agent !== authorization.from) return wrong('agent', authorization.from, intent.agent);
  if (intent.payTo !== authorization.to) return wrong('payTo', authorization.to, intent.payTo);
  const token = tokenOf(on)?.address ?? '';
  if (intent.asset !== token) return wrong('asset', token, intent.asset);
  if (intent.maxAmount < authorization.value) {
    return wrong('maxAmount', `>= ${authorization.value}`, intent.maxAmount.toString());
  }
  if (authorization.validBefore < intent.validBefore) {
    return wrong('validBefore', `<= ${authorization.validBefore}`, intent.validBefore.toString());
  }
  const digest = intentDigest(intent, chainIdOf(on) ?? 0);
  return digest === authorization.nonce
    ? ok(true)
    : at(version, {
        reason: 'intent_mismatch',
        field: 'payload.authorization.nonce',
        expected: digest,
        got: authorization.nonce,
      });
};

type Mismatch = Extract<Reason, { readonly expected: string }>;

const at = <T>(version: 1 | 2, fault: Mismatch): Result<T, Reason> =>
  err({ ...fault, field: paymentField(version, fault.field) });
