import { mismatchText, type ProblemText, type Texts } from './problem-text.ts';

/** A signed field has a wrong value. 400, never 402: a client that signs again on 402 would pay twice (law 5). */
export type MismatchReason = {
  readonly reason:
    | 'requirement_mismatch'
    | 'intent_mismatch'
    | 'recipient_mismatch'
    | 'value_mismatch'
    | 'zero_payer'
    | 'empty_window'
    | 'window_too_long'
    | 'valid_too_long'
    | 'not_yet_valid'
    | 'expired';
  readonly field: string;
  readonly expected: string;
  readonly got: string;
};

const otherOffer = (reason: MismatchReason): ProblemText =>
  mismatchText(
    reason,
    'Payment does not match the offer',
    'Send the request without a payment to get a new offer, then sign exactly what the offer states.',
  );

const outOfBounds = (reason: MismatchReason): ProblemText =>
  mismatchText(
    reason,
    'Validity out of bounds',
    'Sign again with times inside the bound that `expected` gives. Times are Unix seconds.',
  );

export const mismatchTexts: Texts<MismatchReason> = {
  requirement_mismatch: otherOffer,
  recipient_mismatch: otherOffer,
  value_mismatch: otherOffer,
  zero_payer: otherOffer,
  intent_mismatch: (reason) =>
    mismatchText(
      reason,
      'Intent does not match the request',
      reason.field.endsWith('.authorization.validAfter')
        ? 'Sign the payment with the validAfter that `expected` gives: this value states, under the signature, that an intent binds the payment.'
        : 'Sign an intent for exactly the request that you send: same audience, tool, method, URL, content type and body, and for a paid tool its payTo, asset and a maxAmount of at least the price.',
    ),
  empty_window: outOfBounds,
  window_too_long: outOfBounds,
  valid_too_long: outOfBounds,
  not_yet_valid: (reason) =>
    mismatchText(
      reason,
      'Not yet valid',
      'Compare your clock with the Date header of this answer. Then sign again with an earlier validAfter, or wait.',
    ),
  expired: (reason) =>
    mismatchText(
      reason,
      'Expired',
      'Look up with GET /calls/<id> whether an earlier request with this signature ran. If none did, sign again with a later validBefore.',
    ),
};
