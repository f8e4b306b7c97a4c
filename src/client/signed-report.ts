import { min } from '../protocol/amount.ts';
import type { CallReport } from './call-report.ts';
import type { AgentContext } from './context.ts';
import type { ExchangeResult } from './exchange.ts';
import { limitsOf } from './limits.ts';
import type { Outgoing } from './outgoing.ts';
import { paymentAnswerOf, type PaymentAnswer } from './payment-answer.ts';
import type { Proof } from './proof.ts';
import { receiptOf, type Receipt } from './receipt.ts';

/** Reports on the answer to a signed request, and verifies its receipt. */
export const signedReport = async (
  context: Pick<AgentContext, 'keys' | 'signer'>,
  outgoing: Outgoing,
  proof: Proof,
  { response, body, problem, attempts, record }: ExchangeResult,
): Promise<CallReport> => {
  const payment = paymentAnswerOf(response.headers);
  const receipt = await receiptOf(context, outgoing, proof, response, body);
  const transaction = payment?.transaction ?? record?.transaction;
  // The gateway signs a receipt, but not a record: use the record's figure only without a verified receipt.
  const charged =
    record === undefined || receipt?.verified === true
      ? chargedBy(proof, response, receipt, payment)
      : min(record.charged, proof.amount);
  const hasMoved = payment?.settled === true || record?.payment === 'settled';
  return {
    paid: proof.pays === 'payment' ? (payment?.paidFrom ?? 'payment') : proof.pays,
    ...(proof.version === undefined ? {} : { version: proof.version }),
    binding: proof.binding,
    call: proof.call,
    charged,
    credited: proof.pays === 'payment' && charged === 0n && hasMoved ? proof.amount : 0n,
    ...(transaction === undefined ? {} : { transaction }),
    receipt,
    limits: limitsOf(response.headers),
    attempts,
    ...(problem === undefined ? {} : { problem }),
  };
};

const chargedBy = (
  { pays, amount }: Proof,
  response: Response,
  receipt: Receipt | undefined,
  payment: PaymentAnswer | undefined,
): bigint => {
  if (receipt?.verified === true) return BigInt(receipt.claims.charged);
  if (pays === 'none') return 0n;
  if (payment !== undefined) return payment.success ? min(payment.amount ?? amount, amount) : 0n;
  return response.ok ? amount : 0n;
};
