import type { Hex } from '../core/hex.ts';
import { audienceOf } from '../config/config.ts';
import { PRIVATE } from '../gateway/answer-headers.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { FinalOutcome } from '../protocol/payment.ts';
import { nameOfNetwork } from '../protocol/x402/networks.ts';
import type { CheckedPayment } from './check-payment.ts';
import { statusPath } from './payment-status.ts';
import { nonceUsed, type Refusal } from './refusal.ts';

/** How long a server should wait before it asks again, seconds: one or two blocks of a rollup. */
const AGAIN = 5;

/** The members of a `SettleResponse` that every answer about a readable payment has. v1 writes the network by its name. */
const membersOf = ({ version, payment: { token, authorization } }: CheckedPayment) => ({
  payer: authorization.from,
  network: (version === 1 ? nameOfNetwork(token.network) : undefined) ?? token.network,
});

type Settled = Extract<FinalOutcome, { readonly outcome: 'settled' }>;

/** The chain shows in a final block that the money has moved. */
const factsOf = (checked: CheckedPayment, { transaction, block }: Settled) => ({
  ...membersOf(checked),
  transaction,
  amount: checked.payment.authorization.value.toString(),
  extra: { status: 'settled', block: block.toString() },
});

/** The payment has settled, and this request is the first one to learn it: its server may serve. */
export const settledPayment = (checked: CheckedPayment, settled: Settled): Response =>
  answer({ success: true, ...factsOf(checked, settled) });

/** The payment has settled, and an earlier request got its success. The facts are the same, so a server that lost the answer has them. */
export const settledBefore = (checked: CheckedPayment, settled: Settled): Response => {
  const { reason, message } = nonceUsed(checked.payment.authorization.from);
  return answer({
    success: false,
    errorReason: reason,
    errorMessage: `${message} An earlier request got the success of this settlement.`,
    ...factsOf(checked, settled),
  });
};

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
