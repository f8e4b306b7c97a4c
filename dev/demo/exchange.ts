import { decodePaymentRequiredHeader } from '@x402/core/http';
import type { PaymentRequired } from '@x402/core/types';
import * as z from 'zod/mini';

/** A request to a tool. */
export type ToolRequest = {
  readonly tool: string;
  readonly method: string;
  readonly url: string;
  /** JSON text, sent as `application/json`. */
  readonly body?: string;
};

/** An answer with its complete body. */
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
};

const JSON_TYPE = 'application/json';

/** Longer than the slowest answer: a payment that settles first, with slow blocks. */
const TIMEOUT_MS = 120_000;

const objectSchema = z.record(z.string(), z.unknown());

/** Returns the content type of a request; empty without a body. */
export const contentTypeOf = ({ body }: ToolRequest): string =>
  body === undefined ? '' : JSON_TYPE;

/** Returns the `init` argument of `fetch`. */
export const initOf = ({ method, body }: ToolRequest) => ({
  method,
  ...(body === undefined ? {} : { headers: { 'Content-Type': JSON_TYPE }, body }),
});

/** Reads a response completely. */
export const answerOf = async (response: Response): Promise<Answer> => ({
  status: response.status,
  headers: response.headers,
  bytes: new Uint8Array(await response.arrayBuffer()),
});

/** Sends a request, with or without a signed payment. */
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

/** Reads the offer of a 402. @throws Error for another answer. */
export const offerOf = ({ status, headers }: Answer): PaymentRequired => {
  const header = headers.get('payment-required');
  if (header === null)
    throw new Error(`the gateway answered ${status} without PAYMENT-REQUIRED instead of a 402`);
  return decodePaymentRequiredHeader(header);
};

/** Parses the body of an answer as a JSON object; empty for another body. */
export const jsonOf = ({ bytes }: Answer): Readonly<Record<string, unknown>> => {
  try {
    return objectSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
};

/** Reads a string member of the JSON body; empty where it is missing. */
export const textOf = (answer: Answer, member: string): string => {
  const value = jsonOf(answer)[member];
  return typeof value === 'string' ? value : '';
};
