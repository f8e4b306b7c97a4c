import type { AgentContext } from './context.ts';
import { CountersignError, isProblem, messageText } from './errors.ts';
import { exchange, type ExchangeResult } from './exchange.ts';
import { isRecord, readBase64Json, readJsonBody } from './json.ts';
import { storedAnswer } from './look.ts';
import type { Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';
import { RECEIPT_HEADER } from './receipt-claims.ts';
import { paymentAnswerOf } from './signed-report.ts';

/**
 * Sends a proof until the gateway answers. A 402 ends the call, whatever its reason: another signature could pay twice (law 5).
 *
 * A gateway answers a repeat with 402 or a final 503 before it looks for the call, so neither shows the outcome of an earlier attempt,
 * which may have paid. Only the stored answer does; without it the answer is lost.
 *
 * @param sent how often the request was sent before, as for `exchange`
 * @throws CountersignError `payment_refused`, `answer_lost`, `redirected`
 */
export const exchangeOrLook = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
  sent = 0,
): Promise<ExchangeResult> => {
  const result = await exchange(context, outgoing, proof, sent);
  const { response, problem, attempts } = result;
  const isFirst = attempts === 1;
  const isRefusal = response.status === 402 || isUnserved(response, problem);
  if (!isFirst && (isRefusal || isProblem(problem, 'already-used'))) {
    const stored = await storedAnswer(context, outgoing, proof, result);
    if (stored !== undefined) return stored;
  }
  if (isFirst ? response.status !== 402 : !isRefusal) return result;
  const reason = await reasonOf(response, context.timeoutMs);
  const { call } = proof;
  if (isFirst) {
    throw new CountersignError('payment_refused', `The server refused the payment: ${reason}.`, {
      response,
      call,
    });
  }
  throw new CountersignError(
    'answer_lost',
    `The outcome of an earlier attempt is unknown, and the server refused the repeat (attempt ${attempts}): ${reason}.`,
    { response, call, ...(problem && { problem }) },
  );
};

/** A tool's own 503 has a receipt. `settlement-failed` is about this very call: its payment moved nothing and never will. */
const isUnserved = ({ status, headers }: Response, problem: ExchangeResult['problem']): boolean =>
  status === 503 && !headers.has(RECEIPT_HEADER) && !isProblem(problem, 'settlement-failed');

const MAX_BODY = 65_536;
const MAX_HEADER = 16_384;

/** The reason that the server states, short and printable. */
const reasonOf = async (response: Response, withinMs: number): Promise<string> => {
  const settled = paymentAnswerOf(response.headers)?.errorReason;
  const offered = readBase64Json(response.headers.get('payment-required') ?? '', MAX_HEADER);
  const body = await readJsonBody(response, MAX_BODY, withinMs);
  const words = [settled, member(offered, 'error'), member(body, 'detail'), member(body, 'error')];
  const word = words.find((each): each is string => typeof each === 'string' && each !== '');
  return messageText(word ?? 'no reason given', 256).replace(/\.$/, '');
};

const member = (value: unknown, name: string): unknown =>
  isRecord(value) ? value[name] : undefined;
