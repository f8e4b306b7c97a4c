import type { ReceiptClaims } from '../protocol/receipt.ts';
import { type Finished, receiptCall, respond } from './answer.ts';
import { limitHeaders, paymentHeader, receiptHeader } from './answer-headers.ts';
import type { Gateway } from './gateway.ts';
import type { CheckedProof, ReservedCall, StreamingAnswer } from './paid-request.ts';

/**
 * Returns the beginning of a streaming answer. `PAYMENT-RESPONSE` has the most that the charge can be; the receipt follows at the end of the
 * stream, or from `GET /calls/:id`.
 */
export const streamingAnswer = (
  checked: CheckedProof,
  { call, decision }: ReservedCall,
  { status, headers }: StreamingAnswer,
  body: ReadableStream<Uint8Array>,
): Response => {
  if (decision.verdict !== 'go') throw new Error('only a call that runs has an answer');
  const { paidFrom, transaction, limits } = decision;
  const payment = transaction === undefined ? 'held' : 'settled';
  const paid = { status, price: call.price, charged: call.price, paidFrom, payment } as const;
  return respond(body, status, headers, {
    ...limitHeaders(limits),
    ...paymentHeader(checked, { ...paid, ...(transaction === undefined ? {} : { transaction }) }),
  });
};

/** The receipt of a stream that has ended: a JWS. */
export const streamReceipt = (
  gateway: Gateway,
  checked: CheckedProof,
  { call }: ReservedCall,
  { status }: StreamingAnswer,
  ended: Pick<ReceiptClaims, 'response' | 'end' | 'usage' | 'basis'>,
  finished: Finished,
): string =>
  receiptHeader(gateway, receiptCall(checked, call), {
    binding: checked.binding,
    charged: finished.charged,
    entry: finished.entry,
    policy: finished.policy,
    status,
    ...ended,
  })['Agent-Receipt'];
