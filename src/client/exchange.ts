import type { Hex } from '../core/hex.ts';
import { encodeRetryKey, RETRY_KEY_HEADER } from '../protocol/intent/retry-key.ts';
import type { CallRecord } from './call-record.ts';
import type { Context } from './context.ts';
import { CountersignError } from './errors.ts';
import type { Retry } from './hooks.ts';
import { quietly } from './quietly.ts';
import { readCopy } from './json.ts';
import type { Outgoing } from './outgoing.ts';
import { isProblem, problemIn, type ProblemBody } from './problem.ts';
import type { Proof } from './proof.ts';
import { RECEIPT_HEADER, speaksOfBytes } from './receipt.ts';
import { send, type Sending } from './send.ts';

/** An answer to a signed request, after as many repeats as it took. */
export type Exchanged = {
  readonly response: Response;
  /** The bytes of the body, where a receipt speaks of them. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  readonly problem: ProblemBody | undefined;
  readonly attempts: number;
  /** Some earlier attempt got no answer: the call may have run before this one was answered. */
  readonly lost: boolean;
  /** Where the answer was not given again but looked up. */
  readonly record?: CallRecord;
};

type Attempt =
  | { readonly got: 'answer'; readonly exchanged: Omit<Exchanged, 'attempts' | 'lost'> }
  | { readonly got: 'nothing'; readonly cause: unknown }
  /** It is not known yet, or runs right now. */
  | { readonly got: 'later'; readonly response: Response; readonly waitMs: number | undefined };

/** What sending takes of an agent. */
export type Sender = Pick<Context, 'fetch' | 'hooks' | 'now' | 'retries' | 'sleep' | 'timeoutMs'>;

/** Answers up to this are read whole by gateways; a receipt never speaks of longer ones. */
const MAX_DIGESTED = 1024 * 1024;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;

/**
 * Sends a signed request until it is answered: the same bytes with the same signature, never a new one, so that it runs at most
 * once however often it is sent (law 3). Ends when the proof can no longer execute, or after `retries` repeats.
 *
 * @throws CountersignError `answer_lost`, `redirected`; the caller's own abort reason
 */
export const exchange = async (
  context: Sender,
  outgoing: Outgoing,
  proof: Proof,
): Promise<Exchanged> => {
  let lost = false;
  for (let attempts = 1; ; attempts += 1) {
    const attempt = await once(context, outgoing, proof, attempts > 1);
    if (attempt.got === 'answer') {
      if (!mayRetry(context, proof, attempts, attempt.exchanged)) {
        return { ...attempt.exchanged, attempts, lost };
      }
      note(context, { call: proof.call, attempt: 2, why: 'already_used', waitMs: 0 });
      await attempt.exchanged.response.body?.cancel().catch(() => undefined);
      continue;
    }
    if (attempt.got === 'nothing') lost = true;
    const wanted = attempt.got === 'later' ? attempt.waitMs : undefined;
    const waitMs = Math.min(wanted ?? backoff(attempts), LONGEST_WAIT_MS);
    const isOver = context.now() + waitMs / 1000 >= proof.until;
    if (attempts > context.retries || isOver) throw gone(proof.call, attempts, attempt);
    note(context, {
      call: proof.call,
      attempt: attempts + 1,
      why: attempt.got === 'later' ? 'not_known_yet' : 'no_answer',
      waitMs,
    });
    if (attempt.got === 'later') await attempt.response.body?.cancel().catch(() => undefined);
    await context.sleep(waitMs, outgoing.signal);
  }
};

const note = ({ hooks }: Sender, retry: Retry): void => quietly(() => hooks.onRetry?.(retry));

/**
 * Whether a first attempt was repeated on its way, and lost its answer to the repeat: then the secret gets it. A later attempt has
 * shown the secret already.
 */
const mayRetry = (
  { retries }: Sender,
  { secret }: Proof,
  attempts: number,
  { problem }: Pick<Exchanged, 'problem'>,
): boolean =>
  attempts === 1 && retries > 0 && secret !== undefined && isProblem(problem, 'already-used');

/** @param repeats the secret goes with repeats only: a first attempt needs none, and what is not sent cannot leak. */
const once = async (
  context: Sender,
  outgoing: Outgoing,
  { header, secret, call }: Proof,
  repeats: boolean,
): Promise<Attempt> => {
  const sending: Sending =
    repeats && secret !== undefined
      ? { header, retryKey: [RETRY_KEY_HEADER, encodeRetryKey(secret)] }
      : { header };
  try {
    return await send(context, outgoing, sending, async (response) => {
      mustNotMove(response, call);
      const problem = response.ok ? undefined : await problemIn(response, context.timeoutMs);
      const receipt = response.headers.get(RECEIPT_HEADER);
      // A receipt stands for a call that has ended: a 503 that has one is the tool's own answer.
      if (receipt === null && isForLater(response, problem)) {
        return { got: 'later', response, waitMs: waitOf(response) };
      }
      // Read inside the attempt: an answer that breaks off is a lost one, and is asked for again.
      const body =
        receipt !== null && speaksOfBytes(receipt)
          ? await readCopy(response, MAX_DIGESTED, context.timeoutMs)
          : undefined;
      return { got: 'answer', exchanged: { response, body, problem } };
    });
  } catch (cause) {
    if (outgoing.signal?.aborted === true || cause instanceof CountersignError) throw cause;
    return { got: 'nothing', cause };
  }
};

/** A signature is for one address: it is never carried to another, whoever asks. */
const mustNotMove = (response: Response, call: Hex): void => {
  const { status } = response;
  // Browsers hide a redirect that is not followed; the types of Workers know of none.
  const type: string = response.type;
  const isRedirect = status >= 300 && status < 400 && status !== 304;
  if (!isRedirect && type !== 'opaqueredirect' && !response.redirected) return;
  throw new CountersignError('redirected', 'The answer to a signed request was a redirect.', {
    response,
    call,
  });
};

/** 503s that say for certain what became of the call: repeating the same signature would not change it. */
const FINAL = ['settlement-failed', 'misconfigured', 'paused'];

const isForLater = ({ status, headers }: Response, problem: ProblemBody | undefined): boolean =>
  status === 503
    ? !FINAL.some((name) => isProblem(problem, name))
    : status === 409 && headers.has('retry-after');

const waitOf = ({ headers }: Response): number | undefined => {
  const text = headers.get('retry-after')?.trim() ?? '';
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
};

/** 250 ms, doubled each time, and up to a quarter more so that agents do not come back in step. */
const backoff = (attempts: number): number =>
  FIRST_WAIT_MS * 2 ** (attempts - 1) * (1 + Math.random() / 4);

const gone = (
  call: Hex,
  attempts: number,
  attempt: Exclude<Attempt, { readonly got: 'answer' }>,
): CountersignError =>
  new CountersignError(
    'answer_lost',
    `No answer came to the call ${call} in ${attempts} attempts.`,
    {
      call,
      ...(attempt.got === 'later' ? { response: attempt.response } : { cause: attempt.cause }),
    },
  );
