import { decodeBase64 } from '../crypto/bytes.ts';
import { nativeSha256 } from '../crypto/native-crypto.ts';
import type { FinishVerdict, ReserveVerdict } from '../protocol/account/call-verdict.ts';
import type { MeteredUsage } from '../protocol/account/call.ts';
import { limitBody } from '../protocol/account/denial.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { Money } from '../protocol/problem/upstream.ts';
import type { ReceiptClaims } from '../protocol/receipt.ts';
import { limitHeaders, paymentHeader, PRIVATE, receiptHeader } from './answer-headers.ts';
import { bodyOf } from './body.ts';
import type { Gateway } from './gateway.ts';
import type {
  AnswerHeaders,
  CheckedProof,
  DispatchResult,
  ReservedCall,
  StreamingAnswer,
} from './paid-request.ts';

export type Finished = Extract<FinishVerdict, { readonly verdict: 'finished' }>;
type Stored = Extract<ReserveVerdict, { readonly verdict: 'stored' }>;

/** The tool's answer with the gateway's headers: receipt, payment response, limits. */
export const answer = async (
  gateway: Gateway,
  checked: CheckedProof,
  { call }: ReservedCall,
  dispatched: Exclude<DispatchResult, StreamingAnswer>,
  finished: FinishVerdict,
): Promise<Response> => {
  if (finished.verdict !== 'finished') {
    // `unknown_call`: another attempt took over the call, and only that attempt learns how it ends.
    const reason: Reason =
      finished.verdict === 'late'
        ? { reason: 'upstream_timeout', money: moneyOf(finished) }
        : { reason: 'storage_unavailable' };
    return problem(reason, { call: checked.call });
  }
  const status = dispatched.kind === 'failed' ? 0 : dispatched.status;
  const headers = {
    ...limitHeaders(finished.limits),
    ...receiptHeader(gateway, receiptCall(checked, call), {
      binding: checked.binding,
      charged: finished.charged,
      entry: finished.entry,
      policy: finished.policy,
      status,
      response: dispatched.kind === 'answered' ? dispatched.digest : 'none',
      ...('metered' in dispatched ? usageOf(dispatched.metered) : {}),
      ...('end' in dispatched && dispatched.end !== undefined ? { end: dispatched.end } : {}),
    }),
    ...paymentHeader(checked, { ...finished, status, price: call.price }),
  };
  if (dispatched.kind === 'failed') {
    const money = moneyOf(finished);
    const reason: Reason =
      dispatched.reason === 'error'
        ? { reason: 'upstream_error', error: dispatched.error, money }
        : dispatched.reason === 'usage'
          ? { reason: 'upstream_usage', fault: dispatched.fault, money }
          : { reason: FAILURES[dispatched.reason], money };
    return problem(reason, { call: checked.call, headers });
  }
  return respond(dispatched.body, dispatched.status, dispatched.headers, headers);
};

const FAILURES = {
  timeout: 'upstream_timeout',
  dropped: 'upstream_dropped',
  truncated: 'upstream_truncated',
  payment: 'upstream_payment',
  redirect: 'upstream_redirect',
  encoding: 'upstream_encoding',
  overcharge: 'upstream_overcharge',
  oversized: 'upstream_oversized',
  malformed: 'upstream_malformed',
} as const;

/** Returns what happened to the caller's money after a failure. */
const moneyOf = (ended: Pick<Finished, 'payment' | 'charged' | 'kept'>): Money => {
  // With `onSilence: keep` the tool may have spent money on the caller's behalf: it stays held until an operator resolves the call (law 4).
  if (ended.kept === true) return 'held';
  if (ended.charged > 0n) return 'charged';
  return ended.payment === 'settled' ? 'credited' : 'untouched';
};

export const usageOf = (
  metered: MeteredUsage | undefined,
): Pick<ReceiptClaims, 'usage' | 'basis'> =>
  metered === undefined ? {} : { usage: metered.usage, basis: metered.basis };

/** A stored answer, for a caller that presented the call's secret. The tool does not run again. */
export const answerStored = async (
  gateway: Gateway,
  checked: CheckedProof,
  { call }: ReservedCall,
  stored: Stored,
): Promise<Response> => {
  const { status } = stored.answer;
  const body = new Uint8Array(decodeBase64(stored.answer.body) ?? []);
  const headers = {
    ...receiptHeader(gateway, receiptCall(checked, call), {
      binding: stored.binding,
      charged: stored.charged,
      entry: stored.entry,
      policy: stored.policy,
      status,
      response: nativeSha256(body),
    }),
    // The price that was reserved: the tool's price may have changed since.
    ...paymentHeader(checked, { ...stored, status, price: stored.price }),
  };
  return respond(body, status, stored.answer.headers, headers);
};

/** Builds the call of a receipt, with the origin and the call id of the proof. */
export const receiptCall = ({ audience, call: id }: CheckedProof, call: ReservedCall['call']) => ({
  audience,
  account: call.account,
  tool: call.tool,
  call: id,
  request: call.request,
  asset: call.asset,
});

export const respond = (
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  status: number,
  fromTool: AnswerHeaders,
  fromGateway: Readonly<Record<string, string>>,
): Response =>
  new Response(bodyOf(status, body), {
    status,
    headers: { ...fromTool, ...PRIVATE, ...fromGateway },
  });

/** The answer to a dry run: the decision that the call would get now. Nothing was reserved, written or charged; the proof stays usable. */
export const answerDryRun = (
  { call }: ReservedCall,
  { decision, policy, paidFrom, limits }: Extract<ReserveVerdict, { readonly verdict: 'dry_run' }>,
): Response =>
  Response.json(
    {
      dry_run: true,
      verdict: decision,
      call: call.id,
      tool: call.tool,
      price: call.price.toString(),
      charged: '0',
      paid_from: paidFrom,
      policy,
      limits: limits.map(limitBody),
    },
    { headers: { ...PRIVATE, ...limitHeaders(limits) } },
  );
