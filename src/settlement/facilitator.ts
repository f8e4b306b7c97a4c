import * as z from 'zod/mini';
import type { Hex } from '../core/account-id.ts';
import { wordSchema } from '../core/json-rpc.ts';
import { postJson } from '../core/post-json.ts';
import type { Payment } from './payment.ts';

/** An x402 facilitator: its base URL, to which `/settle` is added. */
export type Backend = { readonly url: string };

/** What a facilitator said. A hint for whom to ask next and when to look; what happened is what the chain says (law 5). */
export type Presented =
  | { readonly kind: 'claimed_success'; readonly transaction: Hex }
  | { readonly kind: 'claimed_failure'; readonly reason: string }
  /** Broadcast, not yet seen in a block. */
  | { readonly kind: 'pending'; readonly transaction?: Hex }
  /** No answer that can be read; the payment may have been broadcast all the same. */
  | { readonly kind: 'unreachable'; readonly why: string };

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

/**
 * Asks a facilitator to settle a payment (`POST /settle`), always as x402 v2, whatever version the client spoke, and rebuilt
 * from what was verified: nothing the client sent beside authorization and signature goes along.
 */
export const present = async (
  backend: Backend,
  payment: Payment,
  timeoutMs: number = TIMEOUT_MS,
): Promise<Presented> => {
  const url = `${backend.url.replace(/\/+$/, '')}/settle`;
  const posted = await postJson(url, settleRequest(payment), { timeoutMs, maxBytes: MAX_BYTES });
  if (!posted.ok) return { kind: 'unreachable', why: posted.error.kind };
  // Facilitators answer failures with 200 or with 4xx and 5xx and the same body (x402 facts 3): the body decides.
  const answer = settleSchema.safeParse(posted.value.json);
  if (!answer.success) return { kind: 'unreachable', why: `status ${posted.value.status}` };
  const transaction = wordSchema.safeParse(answer.data.transaction);
  if (answer.data.success) {
    return transaction.success
      ? { kind: 'claimed_success', transaction: transaction.data }
      : { kind: 'unreachable', why: 'success without a transaction' };
  }
  const reason = answer.data.errorReason ?? 'no reason given';
  if (reason !== PENDING) return { kind: 'claimed_failure', reason: reason.slice(0, MAX_REASON) };
  return transaction.success
    ? { kind: 'pending', transaction: transaction.data }
    : { kind: 'pending' };
};

const settleRequest = ({ token, authorization, signature, maxTimeoutSeconds }: Payment) => {
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
