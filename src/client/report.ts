import { accountId } from '../protocol/account-id.ts';
import { type Hex } from '../core/hex.ts';
import { min } from '../protocol/amount.ts';
import { requestDigest } from '../protocol/intent/observed-request.ts';
import type { Context } from './context.ts';
import type { Exchanged } from './exchange.ts';
import { limitsOf, type Limit } from './limits.ts';
import { observedAs, type Outgoing } from './outgoing.ts';
import { paymentAnswerOf, type PaymentAnswer } from './payment-answer.ts';
import { problemIn, type ProblemBody } from './problem.ts';
import type { Proof } from './proof.ts';
import { RECEIPT_HEADER, verifyReceipt, type Receipt } from './receipt.ts';
import { addressOf } from './signer.ts';

/** What an answer cost, and what stands for it. */
export type CallReport = {
  /** What the call was offered to be paid from; `credit` also where the gateway used it in place of a payment. */
  readonly paid: 'none' | 'payment' | 'credit';
  /** Of x402, where a payment was sent. */
  readonly version?: 1 | 2;
  readonly binding: 'none' | 'intent';
  /** Where something was signed: the name under which `look` finds the call. */
  readonly call?: Hex;
  /**
   * Atomic units: what the verified receipt says; without one what the server says, at most what was signed; without a word the
   * signed amount for a success and nothing for a failure.
   */
  readonly charged: bigint;
  /** Atomic units of a payment that moved for a call that charged nothing: credit of this account now, as the server says. */
  readonly credited: bigint;
  /** Of the settled payment, where the server names it. */
  readonly transaction?: Hex;
  /** Undefined where the answer carries none. */
  readonly receipt: Receipt | undefined;
  readonly limits: readonly Limit[];
  /** How often the request was sent with its signature; 1 for an unsigned one. */
  readonly attempts: number;
  /** The body of a refusal (RFC 9457). */
  readonly problem?: ProblemBody;
};

/** A Response of `fetch`, with the report of its call. */
export type AgentResponse = Response & { readonly countersign: CallReport };

/** Puts the report on the response itself, so that everything else about it stays as `fetch` gave it. */
export const withReport = (response: Response, report: CallReport): AgentResponse =>
  Object.defineProperty(response, 'countersign', {
    value: report,
    enumerable: true,
  }) as AgentResponse;

/** The report of an answer to an unsigned request. */
export const unsignedReport = async (
  response: Response,
  withinMs?: number,
): Promise<CallReport> => {
  const problem = response.ok ? undefined : await problemIn(response, withinMs);
  return {
    paid: 'none',
    binding: 'none',
    charged: 0n,
    credited: 0n,
    receipt: undefined,
    limits: limitsOf(response.headers),
    attempts: 1,
    ...(problem === undefined ? {} : { problem }),
  };
};

/** The report of an answer to a signed request. */
export const signedReport = async (
  context: Context,
  outgoing: Outgoing,
  proof: Proof,
  { response, body, problem, attempts, record }: Exchanged,
): Promise<CallReport> => {
  const payment = paymentAnswerOf(response.headers);
  const receipt = await receiptOf(context, outgoing, proof, response, body);
  const transaction = payment?.transaction ?? record?.transaction;
  // A verified receipt is the gateway's signed word; a record that was looked up is only what it says.
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

const receiptOf = async (
  context: Context,
  outgoing: Outgoing,
  proof: Proof,
  response: Response,
  body: Exchanged['body'],
): Promise<Receipt | undefined> => {
  const token = response.headers.get(RECEIPT_HEADER);
  if (token === null) return undefined;
  if (proof.gateway === undefined) {
    return { verified: false, why: 'the offer named no audience that could have signed it' };
  }
  const { audience, tool } = proof.gateway;
  return await verifyReceipt(context.keys, token, {
    audience,
    tool,
    agent: accountId(proof.network, addressOf(context.signer)),
    call: proof.call,
    request: await requestDigest(observedAs(outgoing, audience, tool)),
    binding: proof.binding,
    asset: proof.asset,
    amount: proof.amount,
    status: response.status,
    body,
  });
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
