import type { MismatchReason } from '../protocol/problem/mismatch.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { BOUND_VALID_AFTER, bindingMarkOf } from '../protocol/intent/binding.ts';
import {
  PAYMENT_HEADER,
  paymentField,
  type PaymentPayload,
} from '../protocol/x402/payment-payload.ts';

/** Where a bound payment carries its intent, as a path below the payment header. */
export const INTENT = 'extensions.agent-intent.info.intent';

type BindingRequired = Extract<Reason, { readonly reason: 'binding_required' }>;

/** Why a payment and the binding that its signature states do not go together. */
export type MarkFault = BindingRequired | MismatchReason;

/** The refusal of a payment that has no intent. Version 1 cannot carry one, so there the header itself is the field. */
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
 * Checks that a payment carries an intent exactly if its signed `validAfter` is the binding mark.
 *
 * Attack: a captured bound payment without its intent would be a vanilla payment, good for another request of the same price, also
 * at another gateway with the same `payTo`. The mark is under the payer's signature, so it cannot be stripped with the intent.
 */
export const checkMark = ({
  version,
  authorization,
  intent,
}: PaymentPayload): Result<true, MarkFault> => {
  const mark = bindingMarkOf(authorization.validAfter);
  const field = paymentField(version, 'payload.authorization.validAfter');
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
