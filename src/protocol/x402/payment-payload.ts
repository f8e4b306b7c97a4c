import { ok, type Result } from '../../core/result.ts';
import type { WireFault } from '../fault.ts';
import { type JsonHeader, readJsonHeader } from '../strict-json.ts';
import { PAYMENT_HEADER } from './headers.ts';
import { parsePayload, type PaymentPayload } from './payload-schema.ts';
import { readPlainPayload } from './plain-payload.ts';

/**
 * Reads the JSON of a payment payload. Never throws: every value yields a payload, or a fault that names the field.
 *
 * @param root the header or body that the fields are in, for the paths of faults.
 */
export const readPaymentPayload = (
  version: 1 | 2,
  root: string,
  json: unknown,
): Result<PaymentPayload, WireFault> => {
  const plain = version === 2 ? readPlainPayload(json) : undefined;
  return plain === undefined ? parsePayload(version, root, json) : ok(plain);
};

const headerOf = (version: 1 | 2): JsonHeader => ({
  name: PAYMENT_HEADER[version],
  limit: 16_384,
  encoding: 'base64',
});

/** The payment headers by x402 version, with their limits. */
export const PAYMENT_HEADERS = { 1: headerOf(1), 2: headerOf(2) } as const;

const readHeader = (version: 1 | 2, text: string): Result<PaymentPayload, WireFault> => {
  const json = readJsonHeader(PAYMENT_HEADERS[version], text);
  return json.ok ? readPaymentPayload(version, PAYMENT_HEADER[version], json.value) : json;
};

/** Reads `PAYMENT-SIGNATURE` (x402 v2). Never throws. */
export const parsePaymentSignature = (text: string): Result<PaymentPayload, WireFault> =>
  readHeader(2, text);

/** Reads `X-PAYMENT` (x402 v1). Never throws. */
export const parseXPayment = (text: string): Result<PaymentPayload, WireFault> =>
  readHeader(1, text);
