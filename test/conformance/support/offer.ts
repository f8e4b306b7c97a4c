import { expect } from 'vitest';

/** An entry of `accepts`, as x402 v2 clients read and echo it. */
export type Accepted = {
  readonly scheme: string;
  readonly network: string;
  readonly amount: string;
  readonly asset: `0x${string}`;
  readonly payTo: `0x${string}`;
  readonly maxTimeoutSeconds: number;
  readonly extra: { readonly name: string; readonly version: string };
};

/** A 402 for clients of x402 v2. */
export type Offered = {
  readonly x402Version: 2;
  readonly resource: { readonly url: string };
  readonly accepts: readonly [Accepted, ...Accepted[]];
  readonly extensions: Readonly<Record<string, unknown>>;
};

/** What a client must sign to bind a payment to this offer. */
export type Advert = {
  readonly version: 1;
  readonly audience: string;
  readonly tool: string;
  readonly binding: 'eip3009-nonce';
};

/** `extensions["agent-intent"].info` of an offer. */
export const advertOf = ({ extensions }: Offered): Advert => {
  const advertised = extensions['agent-intent'] as { readonly info: Advert } | undefined;
  if (advertised === undefined) throw new Error('the offer has no extension agent-intent');
  return advertised.info;
};

export const decode = (header: string | null): unknown =>
  JSON.parse(Buffer.from(header ?? '', 'base64').toString());

/** Reads the offer of a 402. */
export const readOffer = (response: Response): Offered => {
  expect(response.status).toBe(402);
  return decode(response.headers.get('PAYMENT-REQUIRED')) as Offered;
};

/** The settlement of a payment, as the gateway reports it. */
export type PaymentResponse = {
  readonly success: boolean;
  readonly payer: string;
  readonly transaction: string;
  readonly network: string;
  readonly amount: string;
  readonly errorReason?: string;
  readonly extra: { readonly status: string; readonly payment: string; readonly paidFrom?: string };
};

/** Parses `PAYMENT-RESPONSE`, or its counterpart of v1. */
export const paymentResponse = (response: Response): PaymentResponse =>
  decode(
    response.headers.get('PAYMENT-RESPONSE') ?? response.headers.get('X-PAYMENT-RESPONSE'),
  ) as PaymentResponse;

/** An RFC 9457 problem. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly hint: string;
  readonly field?: string;
  readonly [member: string]: unknown;
};

/** Parses a problem and checks its form: media type, not cacheable, repeated status, stable type, hint. */
export const readProblem = async (response: Response): Promise<Problem> => {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('cache-control')).toBe('private, no-store');
  const problem = (await response.json()) as Problem;
  expect(problem.status).toBe(response.status);
  expect(problem.type).toMatch(/^urn:countersign:problem:[a-z][a-z-]*[a-z]$/);
  for (const member of ['title', 'detail', 'hint'] as const) expect(problem[member]).toMatch(/\w/);
  return problem;
};

/** The last part of a problem's type. */
export const kindOf = ({ type }: Problem): string => type.slice('urn:countersign:problem:'.length);
