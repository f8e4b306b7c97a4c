import type { FinishVerdict } from '../protocol/account/finish.ts';
import type { ReserveVerdict } from '../protocol/account/reserve.ts';
import type { Hex } from '../core/hex.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { Money } from '../protocol/problem/upstream.ts';
import { decodeBase64 } from '../crypto/bytes.ts';
import { sha256Hex } from '../crypto/digest.ts';
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
import type { Checked } from './checked.ts';
import type { Dispatched } from './dispatch.ts';
import { isSuccess } from './finish.ts';
import type { Gateway } from './gateway.ts';
import { limitHeaders } from './limits.ts';
import { receiptHeader } from './receipt.ts';
import type { Reserved } from './reserve.ts';

/** Law 10: a paid or signed answer is its payer's alone; no cache on the way may keep it. */
export const PRIVATE = { 'Cache-Control': 'private, no-store' } as const;

type Finished = Extract<FinishVerdict, { readonly verdict: 'finished' }>;
type Stored = Extract<ReserveVerdict, { readonly verdict: 'stored' }>;

/** The tool's answer with the gateway's statements about it (design §4.8). */
export const answer = async (
  gateway: Gateway,
  checked: Checked,
  reserved: Reserved,
  dispatched: Dispatched,
  finished: FinishVerdict,
): Promise<Response> => {
  if (finished.verdict !== 'finished') {
    await discard(dispatched);
    // `unknown_call`: another attempt owns the call by now, and only that one knows how it ends.
    const reason: Reason =
      finished.verdict === 'late'
        ? { reason: 'upstream_timeout', money: moneyOf(finished) }
        : { reason: 'storage_unavailable' };
    return problem(reason, { call: checked.call });
  }
  const status = dispatched.kind === 'failed' ? 0 : dispatched.status;
  const headers = {
    ...PRIVATE,
    ...limitHeaders(finished.limits),
    ...(await statedOf(gateway, checked, reserved, {
      binding: checked.binding,
      charged: finished.charged,
      entry: finished.entry,
      policy: finished.policy,
      status,
      response: responseDigest(dispatched),
    })),
    ...paymentHeader(checked, reserved, { ...finished, status }),
  };
  if (dispatched.kind === 'failed') {
    const reason = FAILURES[dispatched.reason];
    return problem({ reason, money: moneyOf(finished) }, { call: checked.call, headers });
  }
  return respond(dispatched.body, dispatched.status, dispatched.headers, headers);
};

/** A stored outcome, for a holder of the call's secret (design §4.6). The tool is not asked again. */
export const answerStored = async (
  gateway: Gateway,
  checked: Checked,
  reserved: Reserved,
  stored: Stored,
): Promise<Response> => {
  const body = new Uint8Array(decodeBase64(stored.answer.body) ?? []);
  const headers = {
    ...PRIVATE,
    ...(await statedOf(gateway, checked, reserved, {
      binding: stored.binding ?? checked.binding,
      charged: stored.charged,
      entry: stored.entry,
      policy: stored.policy,
      status: stored.answer.status,
      response: sha256Hex(body),
    })),
    ...paymentHeader(checked, reserved, { ...stored, status: stored.answer.status }),
  };
  return respond(body, stored.answer.status, new Headers(stored.answer.headers), headers);
};

/** Statuses whose answers have no body (Fetch standard, "null body status"). */
const BODILESS = new Set([101, 204, 205, 304]);

const respond = (
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  status: number,
  fromTool: Headers,
  fromGateway: Readonly<Record<string, string>>,
): Response => {
  const headers = new Headers(fromTool);
  for (const [name, value] of Object.entries(fromGateway)) headers.set(name, value);
  return new Response(BODILESS.has(status) ? null : body, { status, headers });
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

/** What a failure means for the caller's money, from how the call was really paid. */
const moneyOf = (ended: Pick<Finished, 'payment' | 'charged' | 'kept'>): Money => {
  // Law 4: a tool that spends on someone's behalf and fell silent keeps what it may have spent, until an operator resolves the call.
  if (ended.kept === true) return 'held';
  if (ended.charged > 0n) return 'charged';
  return ended.payment === 'settled' ? 'credited' : 'untouched';
};

const responseDigest = (dispatched: Dispatched): ReceiptClaims['response'] => {
  switch (dispatched.kind) {
    case 'answered':
      return dispatched.digest;
    case 'streaming':
      return 'streamed';
    case 'failed':
      return 'none';
  }
};

type Told = {
  readonly binding: ReceiptClaims['binding'];
  readonly charged: bigint;
  readonly entry: Hex;
  readonly policy: Hex;
  readonly status: number;
  readonly response: ReceiptClaims['response'];
};

const statedOf = (gateway: Gateway, checked: Checked, { call }: Reserved, told: Told) =>
  receiptHeader(gateway, {
    iss: checked.audience,
    agent: call.account,
    tool: call.tool,
    call: checked.call,
    request: call.request,
    asset: call.asset,
    ...told,
  });

/** How a call was paid in the end. `status`: of the tool, 0 where it gave none. */
type Paid = Pick<Finished | Stored, 'charged' | 'paidFrom' | 'payment' | 'transaction'> & {
  readonly status: number;
  /** Of a stored outcome; the tool may cost something else by now. */
  readonly price?: bigint;
};

/** What became of the payment, in the client's own x402 version; nothing for a call without one. */
const paymentHeader = (
  checked: Checked,
  { call }: Reserved,
  told: Paid,
): Record<string, string> => {
  if (checked.kind !== 'payment') return {};
  const paid: PaidCall = {
    payer: checked.payer,
    network: checked.network,
    amount: told.charged,
    call: checked.call,
  };
  const price = told.price ?? call.price;
  const [name, value] = paymentResponseHeader(checked.version, responseOf(paid, price, told));
  return { [name]: value };
};

const responseOf = (paid: PaidCall, price: bigint, told: Paid): PaymentResponse => {
  if (told.paidFrom === 'credit') {
    // A tool of variable price may have answered for nothing: that is no failure.
    return told.charged > 0n || isSuccess(told.status)
      ? creditedPayment(paid)
      : refusedPayment(paid, 'tool_failed');
  }
  if (told.payment === 'settled' && told.transaction !== undefined) {
    // The money moved; a tool that failed all the same left it as the payer's credit.
    return settledPayment({ ...paid, amount: price }, told.transaction);
  }
  return told.charged > 0n ? acceptedPayment(paid) : refusedPayment(paid, 'tool_failed');
};

const discard = async (dispatched: Dispatched): Promise<void> => {
  if (dispatched.kind === 'streaming') await dispatched.body.cancel().catch(() => undefined);
};
