import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { WireFault } from '../protocol/fault.ts';
import { bindingMarkOf, BOUND_VALID_AFTER } from '../protocol/intent/binding.ts';
import { commitmentOf, parseRetryKey, RETRY_KEY_HEADER } from '../protocol/intent/retry-key.ts';
import {
  AGENT_INTENT_HEADER,
  parseAgentIntent,
  type SignedIntent,
} from '../protocol/intent/agent-intent.ts';
import type { MismatchReason } from '../protocol/problem/proof.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { PAYMENT_HEADER, paymentField } from '../protocol/x402/headers.ts';
import type { PaymentPayload } from '../protocol/x402/payload-schema.ts';
import { parsePaymentSignature, parseXPayment } from '../protocol/x402/payment-payload.ts';
import { type SignedScheme, signedField } from '../protocol/x402/signed-scheme.ts';

/** A proof as the request carries it, parsed and not verified. `showsSecret`: the request presents the secret behind the intent's nonce. */
export type Proof =
  | {
      readonly kind: 'payment';
      readonly payload: PaymentPayload;
      readonly showsSecret: boolean;
      /** How its signature is checked; absent: by EIP-3009. */
      readonly scheme?: SignedScheme;
    }
  | { readonly kind: 'intent'; readonly signed: SignedIntent; readonly showsSecret: boolean };

export type NoProof = { readonly kind: 'none' };

/** A payment of another scheme than `exact`, not parsed yet. */
export type UnreadPayment = { readonly kind: 'unread'; readonly text: string };

export type ProofFault =
  | { readonly reason: 'too_many_proofs'; readonly fields: readonly string[] }
  | MarkFault
  | RetryKeyFault;

/**
 * Parses the one proof in a request's headers. Rejects two proofs: choosing one would be a guess about money that an attacker can
 * exploit.
 */
export const readProof = (
  headers: Headers,
): Result<Proof | NoProof | UnreadPayment, ProofFault> => {
  const names = [PAYMENT_HEADER[2], PAYMENT_HEADER[1], AGENT_INTENT_HEADER];
  const present = names.filter((name) => headers.has(name));
  if (present.length > 1) return err({ reason: 'too_many_proofs', fields: present });
  const [name] = present;
  if (name === undefined) {
    const secret = checkRetryKey(headers, undefined);
    return secret.ok ? ok({ kind: 'none' }) : secret;
  }
  const text = headers.get(name) ?? '';
  if (name === AGENT_INTENT_HEADER) {
    const signed = parseAgentIntent(text);
    if (!signed.ok) return signed;
    const secret = checkRetryKey(headers, signed.value.intent.nonce);
    return secret.ok
      ? ok({ kind: 'intent', signed: signed.value, showsSecret: secret.value })
      : secret;
  }
  const payload = name === PAYMENT_HEADER[2] ? parsePaymentSignature(text) : parseXPayment(text);
  if (!payload.ok) {
    const isUnread = payload.error.reason === 'unsupported_scheme' && name === PAYMENT_HEADER[2];
    return isUnread ? ok({ kind: 'unread', text }) : payload;
  }
  return readPayment(headers, payload.value);
};

/** Completes the proof of a payment that was parsed. */
export const readPayment = (
  headers: Headers,
  payload: PaymentPayload,
): Result<Extract<Proof, { readonly kind: 'payment' }>, ProofFault> => {
  // Before every other check of a payment, so that no tool and no version accepts one whose intent was stripped.
  const marked = checkMark(payload);
  if (!marked.ok) return marked;
  const secret = checkRetryKey(headers, payload.intent?.nonce);
  return secret.ok ? ok({ kind: 'payment', payload, showsSecret: secret.value }) : secret;
};

/** Reads a payment of the scheme `upto`. The first one loads its code. */
export const readUpto = async (
  headers: Headers,
  { text }: UnreadPayment,
): Promise<Result<Proof, ProofFault>> => {
  const { parsePermitSignature, PERMIT_SCHEME } = await import('./permit-scheme.ts');
  const payload = parsePermitSignature(text);
  if (!payload.ok) return payload;
  const proof = readPayment(headers, payload.value);
  return proof.ok ? ok({ ...proof.value, scheme: PERMIT_SCHEME }) : proof;
};

/** The path of the intent in a bound payment, below the payment header. */
export const INTENT = 'extensions.agent-intent.info.intent';

type BindingRequired = Extract<Reason, { readonly reason: 'binding_required' }>;

/** Why a payment does not match the binding that its signature states. */
export type MarkFault = BindingRequired | MismatchReason;

/** The refusal of a payment without an intent. x402 version 1 cannot carry one, so there the header itself is the field. */
export const bindingRequired = (
  version: 1 | 2,
  because: Exclude<BindingRequired['because'], 'unknown_mark'>,
): BindingRequired => ({
  reason: 'binding_required',
  field: version === 2 ? paymentField(2, INTENT) : PAYMENT_HEADER[1],
  version,
  because,
});

/**
 * Checks that a payment carries an intent if and only if its signed `validAfter` is the binding mark.
 *
 * Attack: a captured bound payment without its intent would be a vanilla payment, good for another request of the same price, also at
 * another gateway with the same `payTo`. The payer signs the mark, so an attacker cannot strip it with the intent.
 */
export const checkMark = (payload: PaymentPayload): Result<true, MarkFault> => {
  const { version, authorization, intent } = payload;
  const mark = bindingMarkOf(authorization.validAfter);
  const field = paymentField(version, signedField(payload, 'validAfter'));
  if (intent === undefined) {
    if (mark === 'none') return ok(true);
    return mark === 'unknown'
      ? err({ reason: 'binding_required', field, version, because: 'unknown_mark' })
      : err(bindingRequired(version, 'marked'));
  }
  return mark === 'eip3009-nonce'
    ? ok(true)
    : err({
        reason: 'intent_mismatch',
        field,
        expected: BOUND_VALID_AFTER.toString(),
        got: authorization.validAfter.toString(),
      });
};

export type RetryKeyFault =
  | WireFault
  | { readonly reason: 'retry_key_mismatch'; readonly field: string; readonly hint: string };

/**
 * Checks whether a request presents the secret that its intent's nonce commits to. Passes on only yes or no, never the secret. Rejects a
 * wrong secret here, so that an attacker cannot try guesses at the account.
 *
 * @param nonce of the intent; undefined if the request carries none.
 */
const checkRetryKey = (
  headers: Headers,
  nonce: Hex | undefined,
): Result<boolean, RetryKeyFault> => {
  const text = headers.get(RETRY_KEY_HEADER);
  if (text === null) return ok(false);
  const refuse = (hint: string): Result<boolean, RetryKeyFault> =>
    err({ reason: 'retry_key_mismatch', field: RETRY_KEY_HEADER, hint });
  const secret = parseRetryKey(text);
  if (!secret.ok) return secret;
  // Without an intent the header protects nothing, and the client has given its secret away.
  if (nonce === undefined) return refuse('comes without an AgentIntent that it could belong to');
  return commitmentOf(secret.value) === nonce
    ? ok(true)
    : refuse('is not the secret that the nonce of the AgentIntent commits to');
};
