import * as z from 'zod/mini';
import type { Seconds } from '../../core/clock.ts';
import { wordSchema } from '../chain/json-rpc.ts';
import { postJson } from '../post-json.ts';
import type { Presented } from './backend-answer.ts';
import type { Payment } from '../../protocol/payment.ts';

const TIMEOUT_MS = 60_000;
const MAX_BYTES = 64 * 1024;
const MAX_REASON = 200;
const PENDING = 'settlement_pending';

/** Facilitators tell nothing of the request: every payment is presented for this resource (design §4.2, stripped intents). */
const RESOURCE = 'https://payment.invalid/';

/** x402 v2 SettleResponse (x402 facts 1.2), as far as it is used; Python and Go write absent fields as null. */
const settleSchema = z.object({
  success: z.boolean(),
  errorReason: z.nullish(z.string()),
  transaction: z.nullish(z.string()),
});

/** Where a facilitator settles. */
export const settleUrl = (base: string): string => `${base.replace(/\/+$/, '')}/settle`;

/** Where a facilitator says whether it would settle. */
export const verifyUrl = (base: string): string => `${base.replace(/\/+$/, '')}/verify`;

/**
 * Asks a facilitator to settle a payment (`POST /settle`), always as x402 v2, whatever version the client spoke, and rebuilt
 * from what was verified: nothing the client sent beside authorization and signature goes along.
 */
export const present = async (
  {
    url,
    headers = {},
  }: { readonly url: string; readonly headers?: Readonly<Record<string, string>> },
  payment: Payment,
  timeoutMs: number = TIMEOUT_MS,
): Promise<Presented> => {
  const options = { timeoutMs, maxBytes: MAX_BYTES, headers };
  const posted = await postJson(settleUrl(url), settleRequest(payment), options);
  if (!posted.ok) return silent(posted.error.kind, posted.error);
  const { status, json } = posted.value;
  // Facilitators answer failures with 200 or with 4xx and 5xx and the same body (x402 facts 3): the body decides.
  const answer = settleSchema.safeParse(json);
  if (!answer.success) return silent(`status_${status}`, posted.value);
  const transaction = wordSchema.safeParse(answer.data.transaction);
  if (answer.data.success) {
    return transaction.success
      ? { kind: 'claimed_success', transaction: transaction.data }
      : silent('success_without_transaction', {});
  }
  // Too many requests: it speaks of us, whatever reason it gives.
  if (status === 429) return silent('status_429', posted.value);
  const reason = answer.data.errorReason ?? 'no reason given';
  if (reason !== PENDING) return { kind: 'claimed_failure', reason: reason.slice(0, MAX_REASON) };
  return transaction.success
    ? { kind: 'pending', transaction: transaction.data }
    : { kind: 'pending' };
};

const silent = (why: string, { retryAfter }: { readonly retryAfter?: Seconds }): Presented => ({
  kind: 'unreachable',
  why,
  ...(retryAfter === undefined ? {} : { retryAfter }),
});

/** The body of `/settle` and `/verify` for a payment, as x402 v2. */
export const settleRequest = ({ token, authorization, signature, maxTimeoutSeconds }: Payment) => {
  const requirements = {
    scheme: 'exact',
    network: token.network,
    amount: authorization.value.toString(),
    asset: token.address,
    payTo: authorization.to,
    maxTimeoutSeconds,
    extra: { name: token.name, version: token.version },
  };
  return {
    x402Version: 2,
    paymentPayload: {
      x402Version: 2,
      resource: { url: RESOURCE },
      accepted: requirements,
      payload: {
        signature,
        authorization: {
          from: authorization.from,
          to: authorization.to,
          value: authorization.value.toString(),
          validAfter: authorization.validAfter.toString(),
          validBefore: authorization.validBefore.toString(),
          nonce: authorization.nonce,
        },
      },
    },
    paymentRequirements: requirements,
  };
};
