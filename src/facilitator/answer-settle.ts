import type { Hex } from '../core/hex.ts';
import { audienceOf } from '../config.ts';
import { PRIVATE } from '../gateway/answer-headers.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { FinalOutcome } from '../protocol/payment.ts';
import { nameOfNetwork } from '../protocol/x402/networks.ts';
import type { CheckedPayment } from './check-payment.ts';
import { statusPath } from './payment-status.ts';
import type { Refusal } from './refusal.ts';

/** How long a server should wait before it asks again, seconds: one or two blocks of a rollup. */
const AGAIN = 5;

/** The members of a `SettleResponse` that every answer about a readable payment has. v1 writes the network by its name. */
const membersOf = ({ version, payment: { token, authorization } }: CheckedPayment) => ({
  payer: authorization.from,
  network: (version === 1 ? nameOfNetwork(token.network) : undefined) ?? token.network,
});

/** The money has moved, in a final block. */
export const settledPayment = (
  checked: CheckedPayment,
  { transaction, block }: Extract<FinalOutcome, { readonly outcome: 'settled' }>,
): Response =>
  answer({
    success: true,
    ...membersOf(checked),
    transaction,
    amount: checked.payment.authorization.value.toString(),
    extra: { status: 'settled', block: block.toString() },
  });

/** The money does not move. `checked`: absent if the payment could not be read or verified. */
export const refusedSettlement = (
  { reason, message, payer }: Refusal,
  checked?: CheckedPayment,
): Response =>
  answer({
    success: false,
    errorReason: reason,
    errorMessage: message,
    ...(payer === undefined ? {} : { payer }),
    transaction: '',
    network: '',
    ...(checked === undefined ? {} : membersOf(checked)),
  });

/**
 * The outcome is not known. The server asks again with the same body, or looks the payment up at `extra.lookUp`. With a transaction, x402's
 * own server asks again once by itself.
 */
export const settlementPending = (
  { config }: Gateway,
  request: Request,
  checked: CheckedPayment,
  transaction?: Hex,
): Response =>
  answer(
    {
      success: false,
      errorReason: 'settlement_pending',
      errorMessage:
        'The outcome is not known yet. Send the same request again; do not ask the payer for another payment.',
      ...membersOf(checked),
      transaction: transaction ?? '',
      extra: {
        status: 'pending',
        retryAfter: AGAIN.toString(),
        lookUp: audienceOf(config, request.url) + statusPath(checked.payment),
      },
    },
    { 'Retry-After': AGAIN.toString() },
  );

const answer = (body: object, headers: Readonly<Record<string, string>> = {}): Response =>
  Response.json(body, { headers: { ...PRIVATE, ...headers } });
