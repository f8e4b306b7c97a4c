import type { Tool } from '../catalog/tool.ts';
import { type Config, isFormerPayee } from '../config/config.ts';
import type { Seconds } from '../core/clock.ts';
import type { Address } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { accountId, assetId, chainIdOf, network, type Network } from '../protocol/account-id.ts';
import { type Binding, leastMaximum } from '../protocol/tool-terms.ts';
import { min } from '../protocol/amount.ts';
import { USD_ADDRESS } from '../protocol/fiat-asset.ts';
import {
  AGENT_INTENT_HEADER,
  type AgentIntent,
  checkIntentWindow,
  intentDigest,
  type SignedIntent,
} from '../protocol/intent/agent-intent.ts';
import { bindIntent } from '../protocol/intent/binding.ts';
import type { Token } from '../protocol/payment.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { paymentField } from '../protocol/x402/headers.ts';
import type { PaymentPayload } from '../protocol/x402/payload-schema.ts';
import { matchRequirement, requirementOn } from '../protocol/x402/requirement.ts';
import { EIP3009_SCHEME, signedField } from '../protocol/x402/signed-scheme.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import type {
  CheckedProof,
  PaidRequest,
  PaidRequestWithBody,
  ReceivedRequest,
} from './paid-request.ts';
import { bindingRequired, INTENT, type Proof } from './proof.ts';
import { requirementsOf } from './public-tool.ts';
import { checkSignature } from './verify-signature.ts';

/**
 * Checks a proof, cheapest check first: schema, match with the offer, times, binding to the request, signature. Pure: a failed check
 * burns no call id.
 */
export const check = (
  config: Config,
  { tool, received, topUp }: PaidRequestWithBody,
  proof: Proof,
  now: Seconds,
): Result<CheckedProof, Reason> => {
  switch (proof.kind) {
    case 'intent':
      return withSecret(proof, checkIntent(config, tool, received, proof.signed, now));
    case 'payment': {
      const paid = checkPayment(config, tool, received, proof.payload, now, proof.scheme);
      const checked = withSecret(proof, paid);
      return checked.ok && isForAnother(topUp, checked.value)
        ? err(bindingRequired(checked.value.version, 'beneficiary'))
        : checked;
    }
  }
};

/** Adds `showsSecret`, which counts only once the proof itself is valid. */
const withSecret = (
  { showsSecret }: Proof,
  checked: Result<CheckedProof, Reason>,
): Result<CheckedProof, Reason> =>
  checked.ok && showsSecret ? ok({ ...checked.value, showsSecret }) : checked;

/**
 * True if the money would become another account's credit and the payer has not signed that. Attack: a third party that captures a
 * vanilla payment in transit could have it credited to its own account.
 */
const isForAnother = (
  topUp: PaidRequest['topUp'],
  { network, payer, binding }: CheckedProof,
): boolean =>
  topUp?.to !== undefined && topUp.to !== accountId(network, payer) && binding === 'none';

/** Checks a payment against the offer, the time, the request and its payer's key. */
export const checkPayment = (
  config: Config,
  tool: Tool,
  received: ReceivedRequest,
  payload: PaymentPayload,
  now: Seconds,
  scheme = EIP3009_SCHEME,
): Result<CheckedProof, Reason> => {
  const { version, authorization, permit, signature } = payload;
  const { network: on } = payload;
  const { to } = authorization;
  const former = isFormerPayee(config, on, to)
    ? formerFault(config, on, paymentField(version, signedField(payload, 'to')), to)
    : undefined;
  // Pass the proof on, because a repeat of a call that was accepted under the former payee must find it. The account starts no call with
  // such a proof.
  const sale = former && { ...config, networks: [on] as const, payTo: new Map([[on, to]]) };
  const requirements = requirementsOf(sale ?? config, tool);
  const matched =
    payload.accepted === undefined
      ? requirementOn(requirements, payload.network)
      : matchRequirement(requirements, payload.accepted);
  if (!matched.ok) return inPayment(version, matched.error);
  const requirement = matched.value;
  const token = tokenOf(requirement.network);
  if (token === undefined) return err({ reason: 'internal' });
  // Attack: a payment from payee to payee brings the operator no money, so the holder of a payee's key could mint credit with it.
  if (isPayee(config, authorization.from)) {
    return inPayment(version, {
      reason: 'wrong_payer',
      field: signedField(payload, 'from'),
      expected: 'an account that receives no payments of this gateway',
      got: authorization.from,
    });
  }

  const paid = permit === undefined ? { token, authorization } : { token, authorization, permit };
  const timed = scheme.check(requirement, paid, now);
  if (!timed.ok && timed.error.reason !== 'expired') return inPayment(version, timed.error);

  let binding: Binding = 'none';
  if (payload.intent === undefined && tool.requireBinding === 'intent') {
    return err(bindingRequired(version, 'tool'));
  }
  if (payload.intent !== undefined) {
    const bound = checkBinding(payload.intent, payload, received, requirement.network, now);
    if (!bound.ok) return bound;
    binding = 'intent';
  }

  const digest = scheme.digest(paid);
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
    asset: assetId(requirement.network, token.address),
    price: tool.price,
    call: authorization.nonce,
    binding,
    validBefore: Number(authorization.validBefore),
    former,
    execute: timed.ok && (payload.intent === undefined || BigInt(now) < payload.intent.validBefore),
    digest,
    signature,
    signatureField: field,
    signedByKey: signed.value,
    payment: { ...paid, signature, maxTimeoutSeconds: requirement.maxTimeoutSeconds },
    intent: payload.intent,
    // A bound payment already has a retry key: a second secret would be a second way to the stored answer.
    paymentIdentifier: payload.intent === undefined ? payload.paymentIdentifier : undefined,
  });
};

const isPayee = ({ payees }: Config, address: Address): boolean => {
  for (const all of payees.values()) if (all.includes(address)) return true;
  return false;
};

/** Why a new call may not pay a former payee. Its key may have leaked, so no money is sent there that was not accepted before. */
const formerFault = (config: Config, on: Network, field: string, got: Address): Mismatch => ({
  reason: 'recipient_mismatch',
  field,
  expected: config.payTo.get(on) ?? `a payee on ${config.networks.join(' or ')}`,
  got,
});

/** Checks a bound payment: its nonce must be the intent digest, so that the payment's signature commits to exactly this request. */
const checkBinding = (
  intent: AgentIntent,
  payload: PaymentPayload,
  received: ReceivedRequest,
  on: Network,
  now: Seconds,
): Result<true, Reason> => {
  const { version, authorization } = payload;
  const wrong = (field: string, expected: string, got: string): Result<true, Reason> =>
    inPayment(version, { reason: 'intent_mismatch', field: `${INTENT}.${field}`, expected, got });
  // The intent limits when the gateway may accept the payment. An expired one may still look up its call.
  const timed = checkIntentWindow(intent, now, 0);
  if (!timed.ok && timed.error.reason !== 'expired') {
    return inPayment(version, { ...timed.error, field: `${INTENT}.${timed.error.field}` });
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
    : inPayment(version, {
        reason: 'intent_mismatch',
        field: signedField(payload, 'nonce'),
        expected: digest,
        got: authorization.nonce,
      });
};

type Mismatch = Extract<Reason, { readonly expected: string }>;

const inPayment = <T>(version: 1 | 2, fault: Mismatch): Result<T, Reason> =>
  err({ ...fault, field: paymentField(version, fault.field) });

/** Checks an `Agent-Intent`, which calls a free tool, pays from the agent's credit, or spends its budget in fiat. */
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
  const isFree = tool.settlement === 'free';
  const former =
    !isFree && isFormerPayee(config, on, intent.payTo)
      ? formerFault(config, on, `${AGENT_INTENT_HEADER}.intent.payTo`, intent.payTo)
      : undefined;
  // A free request, such as a look-up, names no payee, and works on a network that sells nothing any more.
  const payTo = former
    ? intent.payTo
    : (config.payTo.get(on) ?? (isFree ? config.payees.get(on)?.[0] : undefined));
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
    asset: tool.asset ?? assetId(on, token.address),
    price: price.value,
    call: digest,
    binding: 'intent',
    validBefore: Number(intent.validBefore),
    former,
    execute: timed.ok,
    digest,
    signature,
    signatureField: field,
    signedByKey: verified.value,
    intent,
  });
};

/**
 * Checks that an intent allows the price: payee, asset and amount. An intent that names no amount must not spend credit. A free tool
 * ignores these fields. The address of a currency is never that of a token, so no intent pays for tools of both kinds.
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
  const asset = tool.asset === undefined ? token.address : USD_ADDRESS;
  if (intent.asset !== asset) return wrong('asset', asset, intent.asset);
  const least = leastMaximum(tool, tool.price);
  return intent.maxAmount < least
    ? wrong('maxAmount', `>= ${least}`, intent.maxAmount.toString())
    : ok(min(tool.price, intent.maxAmount));
};

const inIntent = <T>(fault: Mismatch): Result<T, Reason> =>
  err({ ...fault, field: `${AGENT_INTENT_HEADER}.intent.${fault.field}` });
