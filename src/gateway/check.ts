import type { Binding } from '../../durable-objects/agent-account/contract.ts';
import type { Tool } from '../catalog/tool.ts';
import type { Config } from '../config.ts';
import { type Address, type Hex, network, type Network } from '../core/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { Reason } from '../core/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { transferWithAuthorizationDigest } from '../crypto/typed-data.ts';
import { classifySignature, type SignatureFault, verifyStrict } from '../crypto/verifier.ts';
import { type AgentIntent, intentDigest } from '../intent/agent-intent.ts';
import { bindIntent, checkIntentWindow } from '../intent/binding.ts';
import { AGENT_INTENT_HEADER, type SignedIntent } from '../intent/header.ts';
import type { Payment, Token } from '../settlement/payment.ts';
import { checkAuthorization } from '../x402/authorization.ts';
import { paymentField, type Proof } from '../x402/payload.ts';
import { matchRequirement, requirementOn } from '../x402/requirement.ts';
import { tokenOf } from '../x402/tokens.ts';
import type { Observed } from './observe.ts';
import { offersOf } from './offers.ts';

/** A proof that is right in everything that can be checked without asking anybody. */
export type Checked = {
  readonly kind: 'payment' | 'intent';
  readonly version: 1 | 2;
  readonly network: Network;
  readonly payer: Address;
  readonly payTo: Address;
  readonly token: Token;
  /** §4.6: the intent digest, or the EIP-3009 nonce: one namespace. */
  readonly call: Hex;
  readonly binding: Binding;
  readonly validBefore: Seconds;
  /** False for a proof whose time is over and that is right in all else: it may look up, never execute. */
  readonly execute: boolean;
  /** What was signed, and by what; a contract account is asked with the same two. */
  readonly digest: Hex;
  readonly signature: Hex;
  readonly signatureField: string;
  /** The key of `payer` signed. False: only a contract account can still vouch for it. */
  readonly signedByKey: boolean;
  readonly payment?: Payment;
  readonly intent?: AgentIntent;
  readonly paymentIdentifier?: string;
};

/**
 * Checks a payment, cheap to dear: what it pays against what is offered, times, request binding, signature (design §3).
 * Pure; nothing is claimed, so a failed check burns nothing.
 */
export const checkPayment = (
  config: Config,
  tool: Tool,
  observed: Observed,
  proof: Proof,
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
    const field = paymentField(version, 'extensions.agent-intent');
    return err({ reason: 'binding_required', field });
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
    network: requirement.network,
    payer: authorization.from,
    payTo: requirement.payTo,
    token,
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
    ...(proof.paymentIdentifier === undefined
      ? {}
      : { paymentIdentifier: proof.paymentIdentifier }),
  });
};

/** Checks an `Agent-Intent` for a tool that costs nothing (design §4.4). */
export const checkIntent = (
  config: Config,
  observed: Observed,
  signed: SignedIntent,
  now: Seconds,
): Result<Checked, Reason> => {
  const { intent, signature } = signed;
  const on = network(signed.chainId);
  const token = tokenOf(on);
  const payTo = config.payTo.get(on);
  if (token === undefined || payTo === undefined) {
    return err({
      reason: 'unsupported_network',
      field: `${AGENT_INTENT_HEADER}.chainId`,
      hint: `Sign for one of: ${config.networks.join(', ')}.`,
    });
  }
  const timed = checkIntentWindow(intent, now);
  if (!timed.ok && timed.error.reason !== 'expired') return inIntent(timed.error);
  const bound = bindIntent(intent, observed);
  if (!bound.ok) return inIntent(bound.error);

  const digest = intentDigest(intent, signed.chainId);
  const field = `${AGENT_INTENT_HEADER}.signature`;
  const verified = checkSignature(intent.agent, digest, signature, field);
  if (!verified.ok) return verified;
  return ok({
    kind: 'intent',
    version: 2,
    network: on,
    payer: intent.agent,
    payTo,
    token,
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

/** §4.2: the nonce *is* the intent digest, so the token signature commits to exactly this request. */
const checkBound = (
  intent: AgentIntent,
  { version, authorization }: Proof,
  observed: Observed,
  on: Network,
  now: Seconds,
): Result<true, Reason> => {
  const root = 'extensions.agent-intent.info.intent';
  const wrong = (field: string, expected: string, got: string): Result<true, Reason> =>
    at(version, { reason: 'intent_mismatch', field: `${root}.${field}`, expected, got });
  // §4.2: this clock says when we may accept; an expired intent may still look up what it did.
  const timed = checkIntentWindow(intent, now, 0);
  if (!timed.ok && timed.error.reason !== 'expired') {
    return at(version, { ...timed.error, field: `${root}.${timed.error.field}` });
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
  const digest = intentDigest(intent, Number(on.slice('eip155:'.length)));
  return digest === authorization.nonce
    ? ok(true)
    : at(version, {
        reason: 'intent_mismatch',
        field: 'payload.authorization.nonce',
        expected: digest,
        got: authorization.nonce,
      });
};

/** §4.7. True: the account's key signed. False: 65 bytes or not, only the account's own code could accept it. */
const checkSignature = (
  payer: Address,
  digest: Hex,
  signature: Hex,
  field: string,
): Result<boolean, Reason> => {
  const refuse = (fault: SignatureFault): Result<boolean, Reason> =>
    fault.reason === 'counterfactual_signature'
      ? err({ reason: 'unsupported_signature', field })
      : err({ reason: 'invalid_signature', field, fault: fault.reason });
  const shape = classifySignature(signature);
  if (!shape.ok) return refuse(shape.error);
  if (shape.value === 'contract') return ok(false);
  const verified = verifyStrict(payer, digest, signature);
  if (verified.ok) return ok(true);
  // Another signer's key is what a contract account's signature looks like; a malleable one is never anybody's.
  return verified.error.reason === 'wrong_signer' || verified.error.reason === 'unrecoverable'
    ? ok(false)
    : refuse(verified.error);
};

type Mismatch = Extract<Reason, { readonly expected: string }>;

const at = <T>(version: 1 | 2, fault: Mismatch): Result<T, Reason> =>
  err({ ...fault, field: paymentField(version, fault.field) });

const inIntent = <T>(fault: Mismatch): Result<T, Reason> =>
  err({ ...fault, field: `${AGENT_INTENT_HEADER}.intent.${fault.field}` });
