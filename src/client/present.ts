import type { Hex } from '../core/hex.ts';
import type { Context } from './context.ts';
import { placeOf } from './credit.ts';
import { CountersignError } from './errors.ts';
import { exchange, type Exchanged } from './exchange.ts';
import { readBase64Json, readJsonBody } from './json.ts';
import { creditIn } from './limits.ts';
import { answerOfRecord } from './look-answer.ts';
import type { Outgoing } from './outgoing.ts';
import { paymentAnswerOf } from './payment-answer.ts';
import { isProblem } from './problem.ts';
import type { Proof } from './proof.ts';
import { quietly } from './quietly.ts';
import { signedReport, withReport, type AgentResponse, type CallReport } from './report.ts';

/** An answer to a signed request, and the proof that it was given for. */
export type Presented = { readonly response: AgentResponse; readonly proof: Proof };

/**
 * Sends a proof until it is answered. A 402 now is the end: whatever its reason, another signature could pay twice (law 5).
 * @throws CountersignError `payment_refused`, `answer_lost`, `redirected`
 */
export const present = async (
  context: Context,
  outgoing: Outgoing,
  proof: Proof,
): Promise<Exchanged> => {
  context.memory.keepCall(proof.call, proof.network);
  const exchanged = await exchange(context, outgoing, proof);
  if (exchanged.response.status === 402) throw await refused(context, exchanged, proof.call);
  // A repeat that found its own first attempt: the payer may ask what became of it (design §4.6).
  return exchanged.attempts > 1 && isProblem(exchanged.problem, 'already-used')
    ? await answerOfRecord(context, outgoing, proof, exchanged)
    : exchanged;
};

/** Reports on an answer, and takes from it what later calls need to know. */
export const conclude = async (
  context: Context,
  outgoing: Outgoing,
  proof: Proof,
  exchanged: Exchanged,
): Promise<Presented> => {
  const report = await signedReport(context, outgoing, proof, exchanged);
  learnCredit(context, outgoing, proof, exchanged.response, report);
  context.budget.charge(report.charged);
  const response = withReport(exchanged.response, report);
  quietly(() => context.hooks.onAnswer?.(report, response));
  return { response, proof };
};

/**
 * Whether what an answer says of credit is the word of whoever holds that credit: the audience itself, or a receipt signed by it.
 * A server that only stands before the audience (option `audiences`) could use an intent there, and deny it here.
 */
export const isHoldersWord = (
  { origin }: Outgoing,
  { gateway }: Proof,
  report?: Pick<CallReport, 'receipt'>,
): boolean => gateway?.audience === origin || report?.receipt?.verified === true;

/** What the answer tells of the credit that is left, or that a payment became (law 4: money that moved for nothing). */
const learnCredit = (
  { credit, budget }: Context,
  outgoing: Outgoing,
  proof: Proof,
  { headers }: Response,
  report: CallReport,
): void => {
  if (proof.gateway === undefined) return;
  const place = placeOf(proof.gateway.audience, proof.asset);
  const told = creditIn(headers);
  if (told !== undefined) credit.learn(place, told);
  if (report.credited === 0n || !isHoldersWord(outgoing, proof, report)) return;
  budget.prepaid(place, report.credited);
  if (told === undefined) credit.add(place, report.credited);
};

const MAX_BODY = 65_536;
const MAX_HEADER = 16_384;

const refused = async (
  { timeoutMs }: Pick<Context, 'timeoutMs'>,
  { response, lost, attempts }: Exchanged,
  call: Hex,
): Promise<CountersignError> => {
  const reason = await reasonOf(response, timeoutMs);
  // After an answer that never came, a refusal of the repeat does not say that nothing was paid.
  return lost
    ? new CountersignError(
        'answer_lost',
        `No answer came at first; the repeat (attempt ${attempts}) was refused: ${reason}.`,
        { response, call },
      )
    : new CountersignError('payment_refused', `The server refused the payment: ${reason}.`, {
        response,
        call,
      });
};

/** Long runs without a space: a signature, if a server sends one back. */
const LONG_WORD = /[\w+/=.-]{100,}/g;

/** The server's own words, short and printable: they go into messages, and those into logs. */
const reasonOf = async (response: Response, withinMs: number): Promise<string> => {
  const settled = paymentAnswerOf(response.headers)?.errorReason;
  const offered = readBase64Json(response.headers.get('payment-required') ?? '', MAX_HEADER);
  const body = await readJsonBody(response, MAX_BODY, withinMs);
  const words = [settled, member(offered, 'error'), member(body, 'detail'), member(body, 'error')];
  const word = words.find((each): each is string => typeof each === 'string' && each !== '');
  return (word ?? 'no reason given')
    .replace(LONG_WORD, '...')
    .slice(0, 256)
    .replace(/[^\x20-\x7e]/g, '?');
};

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
