import { decodePaymentResponseHeader } from '@x402/core/http';
import type { SettleResponse } from '@x402/core/types';
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
  readonly milliseconds: number;
};

const JSON_TYPE = 'application/json';

/** Longer than the slowest answer there is: a payment that settles first, on slow blocks. */
const TIMEOUT_MS = 120_000;

const objectSchema = z.record(z.string(), z.unknown());

/** Content type that a request is sent with; empty without a body. */
export const contentTypeOf = ({ body }: ToolRequest): string =>
  body === undefined ? '' : JSON_TYPE;

/** Sends a request, with a signed payment or without. */
export const send = async (request: ToolRequest, payment?: string): Promise<Answer> => {
  const { method, url, body } = request;
  const from = performance.now();
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: {
      ...(body === undefined ? {} : { 'Content-Type': JSON_TYPE }),
      ...(payment === undefined ? {} : { 'PAYMENT-SIGNATURE': payment }),
    },
    ...(body === undefined ? {} : { body }),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const milliseconds = Math.round(performance.now() - from);
  return { status: response.status, headers: response.headers, bytes, milliseconds };
};

/**
 * Sends a signed payment as an agent should: while the gateway cannot say yet what became of it (503, or 409 with
 * Retry-After), the same request with the same signature again, never a new signature.
 */
export const pay = async (request: ToolRequest, payment: string): Promise<Answer> => {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const answer = await send(request, payment);
    const after = Number(answer.headers.get('retry-after') ?? Number.NaN);
    const again = answer.status === 503 || answer.status === 409;
    if (!again || Number.isNaN(after) || Date.now() + after * 1000 > deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, after * 1000));
  }
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

/** What the gateway says became of the payment (`PAYMENT-RESPONSE`). */
export const paymentOf = ({ headers }: Answer): SettleResponse | undefined => {
  const header = headers.get('payment-response');
  return header === null ? undefined : decodePaymentResponseHeader(header);
};
