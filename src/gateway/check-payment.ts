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
import { paymentField, type PaymentPayload } from '../protocol/x402/payment-payload.ts';
import { matchRequirement, requirementOn } from '../protocol/x402/requirement.ts';
import { tokenOf } from '../protocol/x402/tokens.ts';
import type { Checked } from './checked.ts';
import { bindingRequired, INTENT } from './check-mark.ts';
import { checkSignature } from './check-signature.ts';
import type { Observed } from './observe.ts';
import { offersOf } from './offers.ts';

/**
 * Checks a payment, cheap to dear: what it pays against what is offered, times, request binding, signature.
 * Pure; nothing is claimed, so a failed check burns nothing.
 */
export const checkPayment = (
  config: Config,
  tool: Tool,
  observed: Observed,
  proof: PaymentPayload,
  now: Seconds,
): Result<Checked, Reason> => {
  const { version, authorization, signature } = proof;
  const offers = offersOf(config, tool);
  const matched =
    proof.accepted === undefined
      ? requirementOn(offers, proof.network)
      : matchRequirement(offers, proof.accepted);
  if (!matched.ok) return at(version, matched.error);
  const requirement = matched.value;
  const token = tokenOf(requirement.network);
  if (token === undefined) return err({ reason: 'internal' });

  const timed = checkAuthorization(requirement, authorization, now);
  if (!timed.ok && timed.error.reason !== 'expired') return at(version, timed.error);

  let binding: Binding = 'none';
  if (proof.intent === undefined && tool.requireBinding === 'intent') {
    return err(bindingRequired(version, 'tool'));
  }
  if (proof.intent !== undefined) {
    const bound = checkBound(proof.intent, proof, observed, requirement.network, now);
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
    audience: observed.audience,
    network: requirement.network,
    payer: authorization.from,
    payTo: requirement.payTo,
    token,
    price: tool.price,
    call: authorization.nonce,
    binding,
    validBefore: Number(authorization.validBefore),
    execute: timed.ok && (proof.intent === undefined || BigInt(now) < proof.intent.validBefore),
    digest,
    signature,
    signatureField: field,
    signedByKey: signed.value,
    payment: { token, authorization, signature, maxTimeoutSeconds: requirement.maxTimeoutSeconds },
    ...(proof.intent === undefined ? {} : { intent: proof.intent }),
    // A bound payment has its own secret: two of them would be two ways to the answer.
    ...(proof.intent !== undefined || proof.paymentIdentifier === undefined
      ? {}
      : { paymentIdentifier: proof.paymentIdentifier }),
  });
};

/** §4.2: the nonce *is* the intent digest, so the token signature commits to exactly this request. */
const checkBound = (
  intent: AgentIntent,
  { version, authorization }: PaymentPayload,
  observed: Observed,
  on: Network,
  now: Seconds,
): Result<true, Reason> => {
  const wrong = (field: string, expected: string, got: string): Result<true, Reason> =>
    at(version, { reason: 'intent_mismatch', field: `${INTENT}.${field}`, expected, got });
  // §4.2: this clock says when we may accept; an expired intent may still look up what it did.
  const timed = checkIntentWindow(intent, now, 0);
  if (!timed.ok && timed.error.reason !== 'expired') {
    return at(version, { ...timed.error, field: `${INTENT}.${timed.error.field}` });
  }
  const bound = bindIntent(intent, observed);
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
