import * as z from 'zod/mini';
import type { Seconds } from '../../core/clock.ts';
import { getJson, postJson } from '../post-json.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { Payment } from '../../protocol/payment.ts';
import { inActiveSpan } from '../../tracing/trace.ts';
import { wordSchema } from '../chain/json-rpc.ts';
import type { BackendAnswer, PostAll } from './backend.ts';

const SETTLE_TIMEOUT_MS = 60_000;
const MAX_SETTLE_BYTES = 64 * 1024;
const MAX_REASON = 200;
const PENDING = 'settlement_pending';

/** Every payment is presented for this resource, so a facilitator learns nothing about the request that it pays for. */
const RESOURCE = 'https://payment.invalid/';

/** The fields of an x402 v2 SettleResponse that are used. Python and Go facilitators write absent fields as null. */
const settleSchema = z.object({
  success: z.boolean(),
  errorReason: z.nullish(z.string()),
  transaction: z.nullish(z.string()),
});

const endpoint = (base: string, name: string): string => `${base.replace(/\/+$/, '')}/${name}`;

export const settleUrl = (base: string): string => endpoint(base, 'settle');
export const verifyUrl = (base: string): string => endpoint(base, 'verify');
export const supportedUrl = (base: string): string => endpoint(base, 'supported');

/**
 * Presents a payment to a facilitator (`POST /settle`), always as x402 v2, whatever version the client used. Rebuilds the request from the
 * verified payment: of the client's message, only authorization and signature leave the gateway.
 */
export const postSettle = async (
  facilitator: FacilitatorAddress,
  payment: Payment,
  timeoutMs: number = SETTLE_TIMEOUT_MS,
): Promise<BackendAnswer> =>
  inActiveSpan('facilitate', async (span) => {
    const { nonce, value } = payment.authorization;
    span?.set({
      'countersign.call': nonce,
      'countersign.network': payment.token.network,
      'countersign.amount': value.toString(),
    });
    const answer = await present(facilitator, payment, timeoutMs);
    span?.set({
      'countersign.settlement.state': answer.kind,
      ...(answer.kind === 'unreachable' ? { 'error.type': answer.why } : {}),
    });
    return answer;
  });

type FacilitatorAddress = {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
};

const present = async (
  { url, headers = {} }: FacilitatorAddress,
  payment: Payment,
  timeoutMs: number,
): Promise<BackendAnswer> => {
  const options = { timeoutMs, maxBytes: MAX_SETTLE_BYTES, headers };
  const { permit } = payment;
  // The code loads with the first permit.
  const body =
    permit === undefined
      ? settleRequest(payment)
      : (await import('./upto-request.ts')).uptoRequest(payment, permit, RESOURCE);
  const posted = await postJson(settleUrl(url), body, options);
  if (!posted.ok) return unreachable(posted.error.kind, posted.error);
  const { status, json } = posted.value;
  // Facilitators answer failures with 200, 4xx or 5xx and the same body, so the body decides.
  const answer = settleSchema.safeParse(json);
  if (!answer.success) return unreachable(`status_${status}`, posted.value);
  const transaction = wordSchema.safeParse(answer.data.transaction);
  if (answer.data.success) {
    return transaction.success
      ? { kind: 'claimed_success', transaction: transaction.data }
      : unreachable('success_without_transaction', {});
  }
  // 429 concerns the gateway and not the payment, whatever reason the body gives.
  if (status === 429) return unreachable('status_429', posted.value);
  const reason = answer.data.errorReason ?? 'no reason given';
  if (reason !== PENDING) return { kind: 'claimed_failure', reason: reason.slice(0, MAX_REASON) };
  return transaction.success
    ? { kind: 'pending', transaction: transaction.data }
    : { kind: 'pending' };
};

/** Presents payments, all at once: at most as many as an invocation has connections. */
export const postSettles: PostAll = async (requests) =>
  Promise.all(
    requests.map(async ({ payment, timeoutMs, ...to }) => postSettle(to, payment, timeoutMs)),
  );

const unreachable = (
  why: string,
  { retryAfter }: { readonly retryAfter?: Seconds },
): BackendAnswer => ({
  kind: 'unreachable',
  why,
  ...(retryAfter === undefined ? {} : { retryAfter }),
});

/** The body of `/settle` and `/verify` for a payment by EIP-3009, as x402 v2. */
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

/** The fields of a facilitator's `/supported` that are used. */
const supportedSchema = z.object({
  kinds: z
    .array(
      z.object({
        x402Version: z.number(),
        scheme: z.string(),
        network: z.string(),
      }),
    )
    .check(z.maxLength(1_000)),
});

const MAX_SUPPORTED_BYTES = 256 * 1024;
const SUPPORTED_TIMEOUT_MS = 2_000;
/** Some facilitators write every EVM network as this. */
const ANY_EVM = 'eip155:*';

/** The networks on which a facilitator settles the scheme `exact` of x402 version 2. */
export type Supported = { has(network: Network): boolean };

/** Reads `GET /supported`, in at most two seconds; undefined if it cannot be read. */
export const readSupported = async (
  base: string,
  headers: Readonly<Record<string, string>>,
): Promise<Supported | undefined> => {
  const options = { timeoutMs: SUPPORTED_TIMEOUT_MS, maxBytes: MAX_SUPPORTED_BYTES, headers };
  const got = await getJson(supportedUrl(base), options);
  if (!got.ok || got.value.status !== 200) return undefined;
  const read = supportedSchema.safeParse(got.value.json);
  if (!read.success) return undefined;
  const networks = new Set(
    read.data.kinds
      .filter(({ x402Version, scheme }) => x402Version === 2 && scheme === 'exact')
      .map(({ network }) => network),
  );
  return { has: (network) => networks.has(network) || networks.has(ANY_EVM) };
};
