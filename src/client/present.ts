import type { Hex } from '../core/hex.ts';
import { creditKey } from './budget.ts';
import { type CallReport, creditIn, withReport } from './call-report.ts';
import type { AgentContext } from './context.ts';
import { CountersignError, isProblem, messageText } from './errors.ts';
import { exchange, type ExchangeResult } from './exchange.ts';
import { notify } from './hooks.ts';
import { isRecord, readBase64Json, readJsonBody } from './json.ts';
import { storedAnswer } from './look.ts';
import type { Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';
import type { Completion, SignedResult } from './signed-result.ts';
import { paymentAnswerOf, signedReport } from './signed-report.ts';

/**
 * Sends a proof until the gateway answers. A 402 ends the call, whatever its reason: another signature could pay twice (law 5).
 *
 * @throws CountersignError `payment_refused`, `answer_lost`, `redirected`
 */
export const present = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
): Promise<ExchangeResult> => {
  context.memory.keepCall(proof.call, proof.network);
  const result = await exchange(context, outgoing, proof);
  if (result.response.status === 402) throw await refused(context, result, proof.call);
  // The repeat collided with its own first attempt, or a final 503 leaves the outcome of that attempt open: look up the stored answer.
  const isUnclear =
    isProblem(result.problem, 'already-used') || (result.lost && result.response.status === 503);
  return result.attempts > 1 && isUnclear
    ? await storedAnswer(context, outgoing, proof, result)
    : result;
};

/**
 * As `present`, then completes the call. A call that waits for a person is completed once it has run, with code that the first such call
 * loads.
 *
 * @throws CountersignError as `present`; `approval_required`, `approval_refused`, `approval_expired`
 */
export const presentAndComplete = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
  completion: Completion = {
    complete: async (result) => await completeCall(context, outgoing, proof, result),
  },
): Promise<SignedResult> => {
  const result = await present(context, outgoing, proof);
  return await completeOrWait(context, outgoing, proof, result, completion);
};

export const completeOrWait = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
  result: ExchangeResult,
  completion: Completion,
): Promise<SignedResult> => {
  if (!isProblem(result.problem, 'approval-required')) return await completion.complete(result);
  const { continueApproval } = await import('./approval.ts');
  return await continueApproval(context, outgoing, proof, result, completion);
};

/** Reports on an answer, and remembers what later calls need from it. */
export const completeCall = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
  result: ExchangeResult,
): Promise<SignedResult> => {
  const report = await signedReport(context, outgoing, proof, result);
  rememberCredit(context, outgoing, proof, result.response, report);
  context.budget.charge(report.charged);
  const response = withReport(result.response, report);
  notify(() => context.hooks.onAnswer?.(report, response));
  return { response, proof };
};

/**
 * Whether the audience itself vouches for what an answer states about credit: it sent the answer, or signed its receipt. Another server
 * before the audience (option `audiences`) could spend an intent at the audience and claim that it failed.
 */
export const isFromAudience = (
  { origin }: Outgoing,
  { gateway }: Proof,
  report?: Pick<CallReport, 'receipt'>,
): boolean => gateway?.audience === origin || report?.receipt?.verified === true;

/** Remembers the free credit that an answer states, and the credit that a payment became because its call failed (law 4). */
const rememberCredit = (
  { credit, budget }: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
  { headers }: Response,
  report: CallReport,
): void => {
  if (proof.gateway === undefined) return;
  const key = creditKey(proof.gateway.audience, proof.asset);
  const free = creditIn(headers);
  if (free !== undefined) credit.set(key, free);
  if (report.credited === 0n || !isFromAudience(outgoing, proof, report)) return;
  budget.addPrepaid(key, report.credited);
  if (free === undefined) credit.add(key, report.credited);
};

const MAX_BODY = 65_536;
const MAX_HEADER = 16_384;

const refused = async (
  { timeoutMs }: Pick<AgentContext, 'timeoutMs'>,
  { response, lost, attempts }: ExchangeResult,
  call: Hex,
): Promise<CountersignError> => {
  const reason = await reasonOf(response, timeoutMs);
  // An earlier attempt got no answer and may have paid, so the refusal of a repeat is not final.
  return lost
    ? new CountersignError(
        'answer_lost',
        `The server did not answer at first and refused the repeat (attempt ${attempts}): ${reason}.`,
        { response, call },
      )
    : new CountersignError('payment_refused', `The server refused the payment: ${reason}.`, {
        response,
        call,
      });
};

/** The reason that the server states, short and printable. */
const reasonOf = async (response: Response, withinMs: number): Promise<string> => {
  const settled = paymentAnswerOf(response.headers)?.errorReason;
  const offered = readBase64Json(response.headers.get('payment-required') ?? '', MAX_HEADER);
  const body = await readJsonBody(response, MAX_BODY, withinMs);
  const words = [settled, member(offered, 'error'), member(body, 'detail'), member(body, 'error')];
  const word = words.find((each): each is string => typeof each === 'string' && each !== '');
  return messageText(word ?? 'no reason given', 256);
};

const member = (value: unknown, name: string): unknown =>
  isRecord(value) ? value[name] : undefined;
