import { creditKey } from './budget.ts';
import {
  type AgentResponse,
  type CallReport,
  creditIn,
  withFinal,
  withReport,
} from './call-report.ts';
import type { AgentContext } from './context.ts';
import { isProblem } from './errors.ts';
import type { ExchangeResult } from './exchange.ts';
import { exchangeOrLook } from './exchange-or-look.ts';
import { notify } from './hooks.ts';
import type { Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';
import type { Completion, SignedResult } from './signed-result.ts';
import { signedReport } from './signed-report.ts';

/**
 * Sends a proof as `exchangeOrLook` does, and remembers its call for later look-ups.
 *
 * @throws CountersignError as `exchangeOrLook`
 */
export const present = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
): Promise<ExchangeResult> => {
  context.memory.keepCall(proof.call, proof.network);
  return await exchangeOrLook(context, outgoing, proof);
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

/**
 * Reports on an answer, and remembers what later calls need from it.
 *
 * @param onCharged called with the charge of a verified receipt: now, or once an open answer has ended
 */
export const completeCall = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
  result: ExchangeResult,
  onCharged: (charged: bigint) => void = () => undefined,
): Promise<SignedResult> => {
  const report = await signedReport(context, outgoing, proof, result);
  rememberCredit(context, outgoing, proof, result.response, report);
  context.budget.charge(report.charged);
  const isEnded = report.receipt?.verified === true || !isUnread(outgoing, result);
  const response = isEnded
    ? withReport(result.response, withFinal(report))
    : await opened(context, outgoing, proof, result.response, report, onCharged);
  if (report.receipt?.verified === true) onCharged(report.charged);
  notify(() => context.hooks.onAnswer?.(response.countersign, response));
  return { response, proof, isEnded };
};

/** Whether the client has not read the body of an answer, e.g. of a stream. Over MCP it reads every answer. */
const isUnread = (
  { resource }: Outgoing,
  { response, body, problem, record }: ExchangeResult,
): boolean =>
  resource === undefined &&
  response.body !== null &&
  body === undefined &&
  problem === undefined &&
  record === undefined;

/** The budget has counted the charge that the beginning of the answer states; the receipt replaces it. */
const opened = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
  response: Response,
  report: CallReport,
  onCharged: (charged: bigint) => void,
): Promise<AgentResponse> => {
  const { openAnswer } = await import('./open-answer.ts');
  return openAnswer(context, {
    ...{ outgoing, proof, response, report },
    onCharged: (charged) => {
      context.budget.charge(charged - report.charged);
      onCharged(charged);
    },
  });
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
