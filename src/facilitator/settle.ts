import { nowSeconds, type Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { ok, unreachable } from '../core/result.ts';
import { sha256Hex, utf8 } from '../crypto/bytes.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { clientOf } from '../gateway/rate-limit.ts';
import type { FinalOutcome } from '../protocol/payment.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { BackendAnswer, Presentable } from '../settlement/backends/backend.ts';
import type { Backends } from '../settlement/backends/registry.ts';
import { settleNow, type UnknownSettlement } from '../settlement/present/settle-now.ts';
import {
  refusedSettlement,
  settledBefore,
  settledPayment,
  settlementPending,
} from './answer-settle.ts';
import type { CheckedPayment } from './check-payment.ts';
import { type Facilitator, openClaim, type SuccessClaim } from './claim-success.ts';
import { checkOnChain, readPayer } from './payer.ts';
import { receivePayment } from './receive.ts';
import { nonceUsed, type Refusal } from './refusal.ts';
import { chainOf, searchFrom } from './search.ts';

/** How long to wait for the chain. x402's client waits 90 seconds, and a full relayer needs half a minute. */
const WAIT_MS = 45_000;

/** How long a server should wait before it presents a payment again that the relayer did not take, seconds. */
const PAUSE = 5;

/** How long the relayer may take to name the transaction of a payment that it has. */
const ASK_MS = 5_000;

/**
 * `POST /facilitator/settle`: settles a payment for another seller, idempotent by payer and nonce.
 *
 * The chain decides the answer (law 5). One request gets `success` (`openClaim`); every later one gets the same transaction without it,
 * because a server serves once per success. While the outcome is unknown the answer is `settlement_pending`: the relayer may still move the
 * money, so the server must ask again instead of demanding another payment.
 */
export const settle = async (
  gateway: Facilitator,
  request: Request,
  waitMs: number = WAIT_MS,
): Promise<Response> => {
  const received = await receivePayment(gateway, 'settle', request, nowSeconds());
  if (!received.ok) {
    const { error } = received;
    return error.kind === 'problem' ? problem(error.reason) : refusedSettlement(error.refusal);
  }
  const checked = received.value;
  const facts = await readPayer(gateway, checked);
  const standing = facts && (await checkOnChain(gateway, checked, facts));
  // This request presented nothing, but an earlier one may have.
  if (facts === undefined || standing === undefined) {
    return settlementPending(gateway, request, checked);
  }
  if (!standing.ok) return refusedSettlement(standing.error, checked);
  const { payment, body } = checked;
  const call = payment.authorization.nonce;
  const presentable = { call, payment, sinceBlock: searchFrom(facts) };
  const claim = openClaim(gateway.db, payment, repeatOf(request, body));
  // If the nonce is already used, this request did not present the payment, so it holds no claim.
  const held =
    standing.value === 'open' ? await claim.hold(facts.block, nowSeconds()) : ok(undefined);
  if (!held.ok) return settlementPending(gateway, request, checked);
  return settleOnChain(gateway, request, { checked, claim, presentable }, waitMs);
};

/**
 * Identifies a request and its repeats by client address and body. The body alone is not secret, because offers are public and the chain
 * shows the signature. A client address cannot be forged, but servers behind one address share it.
 */
const repeatOf = (request: Request, body: Uint8Array): Hex =>
  sha256Hex(utf8(`${clientOf(request.headers)}\n${sha256Hex(body)}`));

type Settling = {
  readonly checked: CheckedPayment;
  readonly claim: SuccessClaim;
  readonly presentable: Presentable;
};

const settleOnChain = async (
  gateway: Facilitator,
  request: Request,
  settling: Settling,
  waitMs: number,
): Promise<Response> => {
  const { checked, claim, presentable } = settling;
  const { payment } = checked;
  const { network } = payment.token;
  const begun = nowSeconds();
  const chain = chainOf(gateway, network);
  const backends = relayerOf(gateway.backends);
  const { watches } = gateway;
  const settled = await settleNow({ chain, backends, watches, waitMs }, presentable, begun);
  switch (settled.outcome) {
    case 'settled':
      return hasSettled(gateway, request, settling, settled, begun);
    case 'failed':
      await claim.release(nowSeconds());
      return refusedSettlement(nonceUsed(payment.authorization.from), checked);
    case 'released':
      await claim.release(nowSeconds());
      return refusedSettlement(ended, checked);
    case 'unknown': {
      const refused = await notPresented(checked, settled);
      if (refused === undefined) return pending(gateway, request, settling, settled);
      await claim.release(nowSeconds());
      return refused;
    }
    default:
      return unreachable(settled);
  }
};

/**
 * Answers a settlement that the chain shows. If the claim could not be stored, or another request holds it, the answer is pending, so that
 * the server asks again.
 */
const hasSettled = async (
  gateway: Facilitator,
  request: Request,
  { checked, claim }: Settling,
  settled: Extract<FinalOutcome, { readonly outcome: 'settled' }>,
  begun: Seconds,
): Promise<Response> => {
  const { payment } = checked;
  const claimed = await claim.take(settled, nowSeconds());
  if (claimed.ok && claimed.value === 'given') return settledBefore(checked, settled);
  if (!claimed.ok || claimed.value === 'held') {
    await claim.keepForRepeat(nowSeconds());
    return settlementPending(gateway, request, checked, settled.transaction);
  }
  gateway.emit({
    event: 'payment_facilitated',
    network: payment.token.network,
    amount: payment.authorization.value,
    age: nowSeconds() - begun,
  });
  return settledPayment(checked, settled);
};

/** The relayer, which alone keeps payments. Only it settles for others: a facilitator would charge the operator for each payment. */
const relayerOf = (backends: Backends): Pick<Backends, 'for' | 'refresh'> => ({
  for: (network, payer) =>
    backends.for(network, payer).filter(({ keepsPayments }) => keepsPayments),
  refresh: async () => undefined,
});

const ended: Refusal = {
  reason: 'invalid_exact_evm_payload_authorization_valid_before',
  message: 'The authorization has ended, and its nonce is unused: the money never moves.',
};

const notMoving: Refusal = {
  reason: 'invalid_exact_evm_transaction_simulation_failed',
  message: 'The token rejects the transfer on the newest state of the chain.',
};

/** The answer if the chain shows the nonce unused and our own relayer has certainly not taken the payment; else undefined. */
const notPresented = async (
  checked: CheckedPayment,
  { observation, answer }: UnknownSettlement,
): Promise<Response | undefined> => {
  if (observation.kind !== 'unused' || checked.isExpired) return undefined;
  if (answer === undefined || answer.kind === 'declined') {
    return answer?.kind === 'declined' && answer.why === 'full'
      ? problem({ reason: 'too_many_payments', retryAfter: PAUSE })
      : problem({ reason: 'facilitator_unavailable', retryAfter: PAUSE });
  }
  return answer.kind === 'claimed_failure'
    ? refusedSettlement(answer.reason === 'expired' ? ended : notMoving, checked)
    : undefined;
};

/** Answers a settlement that the chain does not show, and that the relayer may still be sending. */
const pending = async (
  gateway: Gateway,
  request: Request,
  { checked, claim, presentable }: Settling,
  { observation, answer, why }: UnknownSettlement,
): Promise<Response> => {
  console.warn({ event: 'facilitated_unknown', network: checked.payment.token.network, why });
  await claim.keepForRepeat(nowSeconds());
  if (observation.kind === 'unconfirmed') {
    return settlementPending(gateway, request, checked, observation.transaction);
  }
  const transaction =
    answer?.kind === 'taken' ? await transactionOf(gateway, presentable, answer) : undefined;
  return settlementPending(gateway, request, checked, transaction);
};

/** Asks the relayer for the transaction that carries a payment: there may have been none when the relayer took the payment. */
const transactionOf = async (
  { backends }: Gateway,
  presentable: Presentable,
  taken: Extract<BackendAnswer, { readonly kind: 'taken' }>,
): Promise<Hex | undefined> => {
  if (taken.transaction !== undefined) return taken.transaction;
  const { token, authorization } = presentable.payment;
  const [relayer] = relayerOf(backends).for(token.network, authorization.from);
  const now = Date.now();
  const limits = { waitMs: 0, startBy: now + ASK_MS, endBy: now + 2 * ASK_MS } as const;
  const [again] = (await relayer?.present([presentable], { ...limits, source: 'request' })) ?? [];
  return again?.kind === 'taken' ? again.transaction : undefined;
};
