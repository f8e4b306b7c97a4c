import * as z from 'zod/mini';
import type { Hex } from '../core/hex.ts';
import { parseAmount } from '../protocol/amount.ts';
import { isRecord, readBase64Json } from './json.ts';

/** The outcome of a payment that `PAYMENT-RESPONSE` (version 1: `X-PAYMENT-RESPONSE`) states. Unsigned. */
export type PaymentAnswer = {
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
