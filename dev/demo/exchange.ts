import { decodePaymentRequiredHeader } from '@x402/core/http';
import type { PaymentRequired } from '@x402/core/types';
import * as z from 'zod/mini';

/** One request to a tool. Sent again with the same fields, it is the same request. */
export type ToolRequest = {
  readonly tool: string;
  readonly method: string;
  readonly url: string;
  /** JSON text, sent as `application/json`. */
  readonly body?: string;
};

/** An answer, read whole. */
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
};

const JSON_TYPE = 'application/json';

/** Longer than the slowest answer there is: a payment that settles first, on slow blocks. */
const TIMEOUT_MS = 120_000;

const objectSchema = z.record(z.string(), z.unknown());

/** Content type that a request is sent with; empty without a body. */
export const contentTypeOf = ({ body }: ToolRequest): string =>
  body === undefined ? '' : JSON_TYPE;

/** A request as any `fetch` takes it, beside its URL. */
export const initOf = ({ method, body }: ToolRequest) => ({
  method,
  ...(body === undefined ? {} : { headers: { 'Content-Type': JSON_TYPE }, body }),
});

/** Reads a response whole. */
export const answerOf = async (response: Response): Promise<Answer> => ({
  status: response.status,
  headers: response.headers,
  bytes: new Uint8Array(await response.arrayBuffer()),
});

/** Sends a request by itself, or with a payment that somebody has signed. */
export const send = async (
  through: typeof fetch,
  request: ToolRequest,
  payment?: string,
): Promise<Answer> => {
  const init = initOf(request);
  const headers = payment === undefined ? {} : { 'PAYMENT-SIGNATURE': payment };
  return await answerOf(
    await through(request.url, {
      ...init,
      headers: { ...init.headers, ...headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }),
  );
};

/** The offer in a 402. Throws when there is none. */
export const offerOf = ({ status, headers }: Answer): PaymentRequired => {
  const header = headers.get('payment-required');
  if (header === null)
    throw new Error(`${status} without PAYMENT-REQUIRED where a price was expected`);
  return decodePaymentRequiredHeader(header);
};

/** The body of an answer as a JSON object; empty when it is none. */
export const jsonOf = ({ bytes }: Answer): Readonly<Record<string, unknown>> => {
  try {
    return objectSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
};

/** A string member of an answer's JSON body; empty when there is none. */
export const textOf = (answer: Answer, member: string): string => {
  const value = jsonOf(answer)[member];
  return typeof value === 'string' ? value : '';
};
