/** The request header that carries a payment, by x402 version; also the root of its field paths. */
export const PAYMENT_HEADER = { 1: 'X-PAYMENT', 2: 'PAYMENT-SIGNATURE' } as const;

/** The response header that carries the offer of a 402 (version 2; version 1 uses the body). */
export const PAYMENT_REQUIRED_HEADER = 'PAYMENT-REQUIRED';

/** The response header that carries the outcome of a payment, by x402 version. */
export const PAYMENT_RESPONSE_HEADER = { 1: 'X-PAYMENT-RESPONSE', 2: 'PAYMENT-RESPONSE' } as const;

/** The path of a field, as problems name it: `PAYMENT-SIGNATURE.payload.authorization.to`. */
export const paymentField = (version: 1 | 2, field: string): string =>
  `${PAYMENT_HEADER[version]}.${field}`;
