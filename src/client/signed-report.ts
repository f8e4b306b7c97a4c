import * as z from 'zod/mini';
import type { Hex } from '../core/hex.ts';
import { min, parseAmount } from '../protocol/amount.ts';
import { type CallReport, limitsOf } from './call-report.ts';
import type { AgentContext } from './context.ts';
import type { ExchangeResult } from './exchange.ts';
import { isRecord, readBase64Json } from './json.ts';
import type { Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';
import { RECEIPT_HEADER } from './receipt-claims.ts';
import { type Receipt, receiptOf } from './verify-receipt.ts';

/** Reports on the answer to a signed request, and verifies its receipt. */
export const signedReport = async (
  context: Pick<AgentContext, 'keys' | 'signer'>,
  outgoing: Outgoing,
  proof: Proof,
  { response, body, problem, attempts, record }: ExchangeResult,
): Promise<CallReport> => {
  const payment = paymentAnswerOf(response.headers);
  const token = response.headers.get(RECEIPT_HEADER);
  const receipt =
    token === null
      ? undefined
      : await receiptOf(context, outgoing, proof, token, response.status, body);
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

/** The outcome of a payment that `PAYMENT-RESPONSE` (version 1: `X-PAYMENT-RESPONSE`) states. Unsigned. */
type PaymentAnswer = {
  readonly success: boolean;
  readonly errorReason?: string;
  readonly transaction?: Hex;
  /** Atomic units. */
  readonly amount?: bigint;
  /** `credit`: the gateway dropped the authorization and debited the payer's credit. */
  readonly paidFrom?: 'credit';
  /** The server states that the payment settled on the chain. */
  readonly settled: boolean;
};

const MAX_HEADER = 16_384;
const MAX_REASON = 256;
const TRANSACTION = /^0x[0-9a-fA-F]{64}$/;

const schema = z.looseObject({
  success: z.boolean(),
  errorReason: z.nullish(z.string()),
  transaction: z.nullish(z.string()),
  amount: z.nullish(z.string()),
  extra: z.nullish(z.custom<Readonly<Record<string, unknown>>>(isRecord)),
});

/** Reads the header of an answer; undefined if it is absent or malformed. */
export const paymentAnswerOf = (headers: Headers): PaymentAnswer | undefined => {
  const header = headers.get('payment-response') ?? headers.get('x-payment-response');
  if (header === null) return undefined;
  const parsed = schema.safeParse(readBase64Json(header, MAX_HEADER));
  if (!parsed.success) return undefined;
  const { success, errorReason, transaction, amount, extra } = parsed.data;
  const value = parseAmount(amount ?? '');
  const hash = TRANSACTION.test(transaction ?? '')
    ? ((transaction ?? '').toLowerCase() as Hex)
    : undefined;
  return {
    success,
    settled: success && hash !== undefined,
    ...(errorReason === undefined || errorReason === null
      ? {}
      : { errorReason: errorReason.slice(0, MAX_REASON) }),
    ...(hash === undefined ? {} : { transaction: hash }),
    ...(value === undefined ? {} : { amount: value }),
    ...(extra?.['paidFrom'] === 'credit' ? { paidFrom: 'credit' } : {}),
  };
};
