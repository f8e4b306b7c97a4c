import { nowSeconds } from '../core/clock.ts';
import { utf8 } from '../crypto/bytes.ts';
import { formatDollars, parseAmount } from '../protocol/amount.ts';
import { type RequestKey, signedHeaders } from '../protocol/http-signature.ts';
import {
  rpcAnswerSchema,
  type SignerError,
  type SignerProblem,
  signerProblemType,
} from '../protocol/signer/rpc.ts';
import { CountersignError } from './errors.ts';
import { readJsonBody } from './json.ts';
import { sleep } from './transport.ts';

/** The URL of the signer, and the key by which it knows the agent. */
export type SignerConnection = {
  /** `https://<signer>/rpc/<owner account>`. */
  readonly url: string;
  readonly key: RequestKey;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof globalThis.fetch;
};

const ATTEMPTS = 4;
/** All attempts together end after about 30 s, the limit of the other signing services. */
const TIMEOUT_MS = 7_000;
const FIRST_WAIT_MS = 250;
/** A longer wait is the caller's decision. */
const LONGEST_WAIT_MS = 2_000;
const MAX_BODY = 65_536;

/** Refusals that end by themselves. The signer gives the same typed data the same signature, so a repeat spends nothing. */
const PASSING: ReadonlySet<string> = new Set(
  (
    [
      'replayed',
      'key-unavailable',
      'storage-unavailable',
      'too-many-requests',
    ] as const satisfies readonly SignerError[]
  ).map(signerProblemType),
);

/**
 * Sends one JSON-RPC request, signed with the agent's key (RFC 9421), to a Countersign signer. Repeats it, under a new signature of the
 * same body, while no answer arrives or the signer is briefly unable to sign.
 *
 * @returns the result
 * @throws CountersignError `signer_refused` with the signer's problem; `signer_failed` without an answer
 */
export const askSigner = async (
  connection: SignerConnection,
  method: string,
  params: readonly unknown[],
): Promise<unknown> => {
  const body = utf8(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
  for (let attempt = 1; ; attempt += 1) {
    const answer = await sendOnce(connection, body);
    if (answer !== undefined && 'result' in answer) return answer.result;
    const problem = answer?.error.data;
    const wait = (problem?.retry_after ?? 0) * 1000 || FIRST_WAIT_MS * 2 ** (attempt - 1);
    const isPassing = problem === undefined || PASSING.has(problem.type);
    if (!isPassing || attempt === ATTEMPTS || wait > LONGEST_WAIT_MS) {
      throw problem === undefined ? unanswered() : refused(problem);
    }
    await sleep(wait, undefined);
  }
};

/** @returns undefined if no answer of a signer arrives */
const sendOnce = async (
  { url, key, headers: more, fetch }: SignerConnection,
  body: Uint8Array<ArrayBuffer>,
) => {
  const request = { method: 'POST', targetUri: url, contentType: 'application/json', body };
  const headers = { ...more, ...(await signedHeaders(request, key, nowSeconds())) };
  try {
    // The signature covers the URL, so a redirect would be refused anyway; and typed data must not go to another address.
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal,
    });
    const parsed = rpcAnswerSchema.safeParse(await readJsonBody(response, MAX_BODY, TIMEOUT_MS));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
};

const unanswered = (): CountersignError =>
  new CountersignError(
    'signer_failed',
    'The signer did not answer, or it is not a Countersign signer.',
  );

const refused = (problem: SignerProblem): CountersignError =>
  new CountersignError(
    'signer_refused',
    `The signer refused: ${problem.detail}${limitOf(problem)}`,
    { problem },
  );

/** The figures of the limit that refused, as a sentence. */
const limitOf = ({ limit }: SignerProblem): string => {
  if (limit === undefined) return '';
  const reset =
    limit.resets_at === undefined
      ? ''
      : `; it resets at ${new Date(limit.resets_at * 1000).toISOString()}`;
  return ` ${limit.rule}: ${dollars(limit.spent)} of ${dollars(limit.limit)} signed for, ${dollars(limit.remaining)} remaining${reset}.`;
};

const dollars = (amount: string): string => {
  const units = parseAmount(amount);
  return units === undefined ? amount : formatDollars(units);
};
