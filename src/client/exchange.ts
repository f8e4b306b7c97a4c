import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { encodeRetryKey, RETRY_KEY_HEADER } from '../protocol/intent/retry-key.ts';
import type { CallRecord } from './call-record.ts';
import { CountersignError, isProblem, type ProblemBody, problemIn, refusalIn } from './errors.ts';
import { type AgentHooks, notify, type Retry } from './hooks.ts';
import { readCopy } from './json.ts';
import type { Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';
import { send, type Sending, type Transport } from './transport.ts';
import { hasBodyDigest, RECEIPT_HEADER } from './receipt-claims.ts';

/** The answer to a signed request, after as many repeats as it took. */
export type ExchangeResult = {
  readonly response: Response;
  /** The bytes of the body, if a receipt contains their digest. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  readonly problem: ProblemBody | undefined;
  readonly attempts: number;
  /** An earlier attempt left the outcome open: the call may have run before the gateway answered this attempt. */
  readonly lost: boolean;
  /** Present if the client looked the answer up instead of receiving it. */
  readonly record?: CallRecord;
};

type Attempt =
  | { readonly got: 'answer'; readonly result: Omit<ExchangeResult, 'attempts' | 'lost'> }
  | { readonly got: 'nothing'; readonly cause: unknown }
  /** The gateway does not know the outcome yet, or the call is running. */
  | {
      readonly got: 'later';
      readonly response: Response;
      readonly problem: ProblemBody | undefined;
      readonly waitMs: number | undefined;
    };

/** The options of sending a signed request until it is answered. */
export type Sender = Transport & {
  readonly hooks: AgentHooks;
  readonly now: () => Seconds;
  /** The most repeats of one signed request. */
  readonly retries: number;
  /** Rejects with the signal's reason when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
};

/** Gateways digest answers up to this size, in bytes. */
const MAX_DIGESTED = 1024 * 1024;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;

/**
 * Sends a signed request until the gateway answers: the same bytes with the same signature, never a new signature, so that the call
 * runs at most once (law 3). Stops when the proof can no longer execute, or after `retries` repeats.
 *
 * @param sent how often the request was sent before: then the first attempt is a repeat, and carries the secret
 * @throws CountersignError `answer_lost`, `redirected`; the caller's own abort reason
 */
export const exchange = async (
  sender: Sender,
  outgoing: Outgoing,
  proof: Proof,
  sent = 0,
): Promise<ExchangeResult> => {
  let lost = false;
  for (let attempts = sent + 1; ; attempts += 1) {
    const attempt = await sendOnce(sender, outgoing, proof, attempts > 1);
    if (attempt.got === 'answer') {
      if (!wasRepeatedByProxy(sender, proof, attempts, attempt.result)) {
        return { ...attempt.result, attempts, lost };
      }
      report(sender, { call: proof.call, attempt: 2, why: 'already_used', waitMs: 0 });
      await attempt.result.response.body?.cancel().catch(() => undefined);
      continue;
    }
    lost = true;
    const requested = attempt.got === 'later' ? attempt.waitMs : undefined;
    const waitMs = Math.min(requested ?? backoff(attempts), LONGEST_WAIT_MS);
    const isOver = sender.now() + waitMs / 1000 >= proof.until;
    if (attempts > sent + sender.retries || isOver) throw answerLost(proof.call, attempts, attempt);
    report(sender, {
      call: proof.call,
      attempt: attempts + 1,
      why: attempt.got === 'later' ? 'not_known_yet' : 'no_answer',
      waitMs,
    });
    if (attempt.got === 'later') await attempt.response.body?.cancel().catch(() => undefined);
    await sender.sleep(waitMs, outgoing.signal);
  }
};

const report = ({ hooks }: Sender, retry: Retry): void => notify(() => hooks.onRetry?.(retry));

/**
 * Whether a proxy repeated a first attempt and its repeat got the answer: then one more attempt with the secret gets the stored answer.
 * A later attempt has already shown the secret.
 */
const wasRepeatedByProxy = (
  { retries }: Sender,
  { secret }: Proof,
  attempts: number,
  { problem }: Pick<ExchangeResult, 'problem'>,
): boolean =>
  attempts === 1 && retries > 0 && secret !== undefined && isProblem(problem, 'already-used');

/** @param repeats only repeats carry the secret: a first attempt does not need it, and a secret that was not sent cannot leak */
const sendOnce = async (
  sender: Sender,
  outgoing: Outgoing,
  { header, secret, call, gateway }: Proof,
  repeats: boolean,
): Promise<Attempt> => {
  const sending: Sending = {
    header,
    ...(repeats && secret !== undefined
      ? { retryKey: [RETRY_KEY_HEADER, encodeRetryKey(secret)] }
      : {}),
    // Only for gateways: a browser would have to ask any other server first whether it accepts the header. Over MCP, no answer streams.
    ...(gateway === undefined || outgoing.resource !== undefined
      ? {}
      : { receipt: [RECEIPT_HEADER, 'stream'] }),
  };
  try {
    return await send(sender, outgoing, sending, async (response) => {
      rejectRedirect(response, call);
      const problem = response.ok ? undefined : await problemIn(response, sender.timeoutMs);
      const receipt = response.headers.get(RECEIPT_HEADER);
      // Only an ended call has a receipt: a 503 with one is the tool's own answer.
      if (receipt === null && isForLater(response, problem)) {
        return { got: 'later', response, problem, waitMs: waitOf(response) };
      }
      // Read inside the attempt: if the connection breaks here, the answer is lost and the request repeated.
      const body =
        receipt !== null && hasBodyDigest(receipt)
          ? await readCopy(response, MAX_DIGESTED, sender.timeoutMs)
          : undefined;
      return { got: 'answer', result: { response, body, problem } };
    });
  } catch (cause) {
    if (outgoing.signal?.aborted === true || cause instanceof CountersignError) throw cause;
    return { got: 'nothing', cause };
  }
};

/** A signature is for one address: the client never sends it to another one. */
const rejectRedirect = (response: Response, call: Hex): void => {
  const { status } = response;
  // Browsers give an unfollowed redirect this type, which the type definitions of Workers lack.
  const type: string = response.type;
  const isRedirect = status >= 300 && status < 400 && status !== 304;
  if (!isRedirect && type !== 'opaqueredirect' && !response.redirected) return;
  throw new CountersignError(
    'redirected',
    'The server answered the signed request with a redirect.',
    {
      response,
      call,
    },
  );
};

/** Whether the gateway does not know the outcome yet, or the call is still running. A problem with `final` ends the exchange. */
export const isForLater = (
  { status, headers }: Response,
  problem: ProblemBody | undefined,
): boolean =>
  status === 503 ? problem?.['final'] !== true : status === 409 && headers.has('retry-after');

/** `Retry-After` (RFC 9110 §10.2.3) in milliseconds. */
const waitOf = ({ headers }: Response): number | undefined => {
  const text = headers.get('retry-after')?.trim() ?? '';
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
};

/** 250 ms, doubled each time, plus up to a quarter of jitter so that agents do not retry in lockstep. */
const backoff = (attempts: number): number =>
  FIRST_WAIT_MS * 2 ** (attempts - 1) * (1 + Math.random() / 4);

/** The message ends with the text of the last refusal, because the gateway knows more about the outcome than the client. */
const answerLost = (
  call: Hex,
  attempts: number,
  attempt: Exclude<Attempt, { readonly got: 'answer' }>,
): CountersignError => {
  const problem = attempt.got === 'later' ? attempt.problem : undefined;
  const why =
    attempt.got === 'nothing'
      ? 'It did not answer.'
      : (refusalIn(problem) ?? `It answered ${attempt.response.status}.`);
  return new CountersignError(
    'answer_lost',
    `The gateway did not decide the call ${call} in ${attempts} attempts. ${why}`,
    {
      call,
      ...(problem && { problem }),
      ...(attempt.got === 'later' ? { response: attempt.response } : { cause: attempt.cause }),
    },
  );
};
