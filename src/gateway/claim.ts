import { err, ok, type Result } from '../core/result.ts';
import {
  AGENT_INTENT_HEADER,
  parseAgentIntent,
  type SignedIntent,
} from '../protocol/intent/signed-intent.ts';
import {
  parsePaymentSignature,
  parseXPayment,
  PAYMENT_HEADER,
  type PaymentPayload,
} from '../protocol/x402/payment-payload.ts';
import { checkMark, type MarkFault } from './check-mark.ts';
import { checkRetryKey, type RetryKeyFault } from './check-retry-key.ts';

/** Which proof a request carries, read but not believed. `showsSecret`: it shows the secret that the intent's nonce commits to. */
export type Claim =
  | { readonly kind: 'payment'; readonly proof: PaymentPayload; readonly showsSecret: boolean }
  | { readonly kind: 'intent'; readonly signed: SignedIntent; readonly showsSecret: boolean }
  | { readonly kind: 'none' };

/** A claim that proves something. */
export type ShownProof = Exclude<Claim, { readonly kind: 'none' }>;

export type ClaimFault =
  | { readonly reason: 'too_many_proofs'; readonly fields: readonly string[] }
  | MarkFault
  | RetryKeyFault;

/**
 * Takes the one proof out of a request's headers. Two proofs are refused: which of them was meant would be our guess, and a guess
 * about money is an attack surface (standards facts 5.5).
 */
export const claim = (headers: Headers): Result<Claim, ClaimFault> => {
  const names = [PAYMENT_HEADER[2], PAYMENT_HEADER[1], AGENT_INTENT_HEADER];
  const sent = names.filter((name) => headers.has(name));
  if (sent.length > 1) return err({ reason: 'too_many_proofs', fields: sent });
  const [name] = sent;
  if (name === undefined) {
    const shown = checkRetryKey(headers, undefined);
    return shown.ok ? ok({ kind: 'none' }) : shown;
  }
  const text = headers.get(name) ?? '';
  if (name === AGENT_INTENT_HEADER) {
    const signed = parseAgentIntent(text);
    if (!signed.ok) return signed;
    const shown = checkRetryKey(headers, signed.value.intent.nonce);
    return shown.ok
      ? ok({ kind: 'intent', signed: signed.value, showsSecret: shown.value })
      : shown;
  }
  const proof = name === PAYMENT_HEADER[2] ? parsePaymentSignature(text) : parseXPayment(text);
  if (!proof.ok) return proof;
  // First of all checks on a payment: a stripped one is no proof of anything, at any tool or version, and has no body read for it.
  const marked = checkMark(proof.value);
  if (!marked.ok) return marked;
  const shown = checkRetryKey(headers, proof.value.intent?.nonce);
  return shown.ok ? ok({ kind: 'payment', proof: proof.value, showsSecret: shown.value }) : shown;
};
