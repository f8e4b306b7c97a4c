import { callSeconds } from '../catalog/tool.ts';
import { nowSeconds } from '../core/clock.ts';
import { utf8 } from '../crypto/bytes.ts';
import type { FinishVerdict } from '../protocol/account/call-verdict.ts';
import type { Outcome } from '../protocol/account/call.ts';
import type { UsageFault } from '../protocol/meter/metered-charge.ts';
import type { StreamEnd } from '../protocol/receipt.ts';
import { usageOf } from './answer.ts';
import { type EventGuard, openEventGuard } from './event-guard.ts';
import { amountOf, finish, isSuccess } from './finish.ts';
import type { Gateway } from './gateway.ts';
import { raiseUsageFault } from './meter/usage-alert.ts';
import { usageCharge } from './meter/usage-charge.ts';
import type { CheckedProof, PaidRequest, ReservedCall, StreamingAnswer } from './paid-request.ts';
import { type Passed, passOn } from './pass-on.ts';
import { RECEIPT_REQUEST } from './observe.ts';
import { inStep } from './step.ts';
import { streamingAnswer, streamReceipt } from './stream-answer.ts';

/**
 * Answers with the beginning of a stream, and passes the rest on as it arrives. The call ends with its stream, even if the caller disconnects
 * before (law 5).
 */
export const stream = (
  gateway: Gateway,
  { tool, request }: PaidRequest,
  checked: CheckedProof,
  reserved: ReservedCall,
  answer: StreamingAnswer,
): Response => {
  const { readable, writable } = new IdentityTransformStream();
  const target = writable.getWriter();
  const wantsReceipt = answer.isEventStream && request.headers.has(RECEIPT_REQUEST);
  const guard = openEventGuard(answer, request.headers.has(RECEIPT_REQUEST));
  const left = callSeconds(tool) - (Date.now() - answer.calledAt) / 1_000;
  const meter = answer.metered?.meter;
  const limits = {
    seconds: left,
    idleSeconds: meter?.idleSeconds ?? left,
    readOn: meter?.readOn ?? { seconds: 0, bytes: 0 },
  };
  const leave = async (cause: unknown) => await target.abort(cause).catch(() => undefined);
  const conclude = async (
    passed: Passed,
    outcome: Outcome,
    finished: FinishVerdict,
  ): Promise<void> => {
    const end = guard.isForged() ? 'truncated' : streamEnd(outcome, passed);
    if (finished.verdict === 'finished' && wantsReceipt && guard.isBetweenEvents()) {
      const ended = { response: passed.digest, end, ...usageOf(outcome.metered) };
      const token = streamReceipt(gateway, checked, reserved, answer, ended, finished);
      await target.write(utf8(`event: countersign-receipt\ndata: ${token}\n\n`));
    }
    const isWhole = end === 'complete' || end === 'maximum';
    if (finished.verdict === 'finished' && isWhole) await target.close();
    else await target.abort(new Error('the answer broke off'));
  };
  const end = async (): Promise<void> => {
    const passed = await passOn(answer.body.getReader(), target, limits, guard);
    const { outcome, fault } = outcomeOfStream(answer, passed, guard);
    if (fault !== undefined) raiseUsageFault(gateway, tool.id, fault, nowSeconds());
    const finished = await inStep(gateway.trace, 'finish', async () =>
      finish(gateway, reserved, outcome),
    );
    // The call has ended: a caller that disconnects now misses only the end of its answer.
    if (passed.isConnected) await conclude(passed, outcome, finished).catch(leave);
  };
  gateway.waitUntil(
    end().catch(async (cause: unknown) => {
      console.error({ event: 'stream_failed', call: checked.call, cause: String(cause) });
      await leave(cause);
    }),
  );
  return streamingAnswer(checked, reserved, answer, readable);
};

const streamEnd = ({ reason }: Outcome, { end }: Passed): StreamEnd => {
  if (reason === 'truncated' || reason === 'timeout') return reason;
  return end === 'cut' ? 'maximum' : 'complete';
};

/**
 * Returns the outcome of a stream. A tool of a fixed price has failed if its answer broke off (law 4), but not if its caller disconnected:
 * hanging up is no discount. Usage decides what a metered answer costs that broke off.
 */
export const outcomeOfStream = (
  { status, charge, metered }: StreamingAnswer,
  { end, digest }: Passed,
  guard: Pick<EventGuard, 'isForged'>,
): { readonly outcome: Outcome; readonly fault?: UsageFault } => {
  const failed = (reason: Outcome['reason']) => ({ success: false, status, digest, reason });
  if (!isSuccess(status)) return { outcome: failed('upstream_status') };
  if (guard.isForged()) return { outcome: failed('refused') };
  const brokeOff = end === 'truncated' || end === 'timeout' ? end : undefined;
  if (metered === undefined) {
    const ended = { success: brokeOff === undefined, reason: brokeOff ?? 'answered' } as const;
    return {
      outcome: { ...ended, status, digest, ...amountOf(charge === undefined ? {} : { charge }) },
    };
  }
  const isWhole = end === 'complete' || end === 'cut';
  const reading = metered.reader.end(Date.now());
  const used = usageCharge(metered, reading, isWhole ? 'complete' : 'broken', metered.maximum);
  if (!used.ok) return { outcome: failed('usage'), fault: used.error };
  const { basis } = used.value.metered;
  const success = basis !== 'broken';
  // A stream without the event that its source ends with has broken off, even if its connection ended well.
  const lacksEnd = end === 'complete' && basis === 'partial';
  const reason = brokeOff ?? (success && !lacksEnd ? 'answered' : 'truncated');
  return { outcome: { success, status, digest, reason, ...amountOf(used.value) } };
};
