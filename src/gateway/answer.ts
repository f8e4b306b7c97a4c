import { decodeBase64 } from '../crypto/bytes.ts';
import { sha256Hex } from '../crypto/digest.ts';
import type { FinishVerdict } from '../protocol/account/finish.ts';
import type { ReserveVerdict } from '../protocol/account/reserve.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { Money } from '../protocol/problem/upstream.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { ReceiptClaims } from '../protocol/receipt.ts';
import {
  acceptedPayment,
  creditedPayment,
  type PaidCall,
  type PaymentResponse,
  paymentResponseHeader,
  refusedPayment,
  settledPayment,
} from '../protocol/x402/payment-response.ts';
import { limitHeaders, PRIVATE } from './answer-headers.ts';
import { bodyOf } from './body.ts';
import { isSuccess } from './finish.ts';
import type { Gateway } from './gateway.ts';
import type { CheckedProof, DispatchResult, ReservedCall } from './paid-request.ts';
import { receiptHeader } from './receipt.ts';

type Finished = Extract<FinishVerdict, { readonly verdict: 'finished' }>;
type Stored = Extract<ReserveVerdict, { readonly verdict: 'stored' }>;

/** The tool's answer with the gateway's headers: receipt, payment response, limits. */
export const answer = async (
  gateway: Gateway,
  checked: CheckedProof,
  { call }: ReservedCall,
  dispatched: DispatchResult,
  finished: FinishVerdict,
): Promise<Response> => {
  if (finished.verdict !== 'finished') {
    await discard(dispatched);
    // `unknown_call`: another attempt took over the call, and only that attempt learns how it ends.
    const reason: Reason =
      finished.verdict === 'late'
        ? { reason: 'upstream_timeout', money: moneyOf(finished) }
        : { reason: 'storage_unavailable' };
    return problem(reason, { call: checked.call });
  }
  const status = dispatched.kind === 'failed' ? 0 : dispatched.status;
  const outcome = { binding: checked.binding, status, response: responseDigest(dispatched) };
  const headers = {
    ...PRIVATE,
    ...limitHeaders(finished.limits),
    ...(await receiptHeader(gateway, receiptCall(checked, call), { ...finished, ...outcome })),
    ...paymentHeader(checked, { ...finished, status, price: call.price }),
  };
  if (dispatched.kind === 'failed') {
    const reason = FAILURES[dispatched.reason];
    return problem({ reason, money: moneyOf(finished) }, { call: checked.call, headers });
  }
  return respond(dispatched.body, dispatched.status, dispatched.headers, headers);
};

/** A stored answer, for a caller that presented the call's secret. The tool does not run again. */
export const answerStored = async (
  gateway: Gateway,
  checked: CheckedProof,
  { call }: ReservedCall,
  stored: Stored,
): Promise<Response> => {
  const { status } = stored.answer;
  const body = new Uint8Array(decodeBase64(stored.answer.body) ?? []);
  const outcome = {
    binding: stored.binding,
    status,
    response: sha256Hex(body),
  };
  const headers = {
    ...PRIVATE,
    ...(await receiptHeader(gateway, receiptCall(checked, call), { ...stored, ...outcome })),
    // The price that was reserved: the tool's price may have changed since.
    ...paymentHeader(checked, { ...stored, status, price: stored.price }),
  };
  return respond(body, status, new Headers(stored.answer.headers), headers);
};

/** Builds the call of a receipt, with the origin and the call id of the proof. */
const receiptCall = ({ audience, call: id }: CheckedProof, call: ReservedCall['call']) => ({
  ...call,
  audience,
  call: id,
});

const respond = (
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  status: number,
  fromTool: Headers,
  fromGateway: Readonly<Record<string, string>>,
): Response => {
  const headers = new Headers(fromTool);
  for (const [name, value] of Object.entries(fromGateway)) headers.set(name, value);
  return new Response(bodyOf(status, body), { status, headers });
};

const FAILURES = {
  timeout: 'upstream_timeout',
  dropped: 'upstream_dropped',
  truncated: 'upstream_truncated',
  payment: 'upstream_payment',
  redirect: 'upstream_redirect',
  encoding: 'upstream_encoding',
  overcharge: 'upstream_overcharge',
} as const;

/** Returns what happened to the caller's money after a failure. */
const moneyOf = (ended: Pick<Finished, 'payment' | 'charged' | 'kept'>): Money => {
  // With `onSilence: keep` the tool may have spent money on the caller's behalf: it stays held until an operator resolves the call (law 4).
  if (ended.kept === true) return 'held';
  if (ended.charged > 0n) return 'charged';
  return ended.payment === 'settled' ? 'credited' : 'untouched';
};

const responseDigest = (dispatched: DispatchResult): ReceiptClaims['response'] => {
  switch (dispatched.kind) {
    case 'answered':
      return dispatched.digest;
    case 'streaming':
      return 'streamed';
    case 'failed':
      return 'none';
  }
};

/** How a call was paid. `status`: the tool's HTTP status, 0 without an answer. `price`: the reserved amount. */
type PaidOutcome = Pick<Finished | Stored, 'charged' | 'paidFrom' | 'payment' | 'transaction'> & {
  readonly status: number;
  readonly price: bigint;
};

/** Builds the payment response header in the client's own x402 version; none for a call without a payment. */
const paymentHeader = (checked: CheckedProof, outcome: PaidOutcome): Record<string, string> => {
  if (checked.kind !== 'payment') return {};
  const paid: PaidCall = {
    payer: checked.payer,
    network: checked.network,
    amount: outcome.charged,
    call: checked.call,
  };
  const [name, value] = paymentResponseHeader(checked.version, responseOf(paid, outcome));
  return { [name]: value };
};

const responseOf = (
  paid: PaidCall,
  { paidFrom, charged, payment, transaction, status, price }: PaidOutcome,
): PaymentResponse => {
  if (paidFrom === 'credit') {
    // A tool of variable price may succeed and charge nothing.
    return charged > 0n || isSuccess(status)
      ? creditedPayment(paid)
      : refusedPayment(paid, 'tool_failed');
  }
  if (payment === 'settled' && transaction !== undefined) {
    // The money moved. If the tool failed, it is the payer's credit now.
    return settledPayment({ ...paid, amount: price }, transaction);
  }
  return charged > 0n ? acceptedPayment(paid) : refusedPayment(paid, 'tool_failed');
};

const discard = async (dispatched: DispatchResult): Promise<void> => {
  if (dispatched.kind === 'streaming') await dispatched.body.cancel().catch(() => undefined);
};
