import type { JsonObject } from '../core/json-object.ts';
import { decodeBinary, decodeBinaryUrl, decodeBinaryUtf8 } from '../crypto/bytes.ts';
import { nameOfNetwork, networkOfName } from '../protocol/x402/networks.ts';
import { PAYMENT_RESPONSE_HEADER } from '../protocol/x402/headers.ts';
import type { Network } from '../protocol/account-id.ts';
import type { ReceiptClaims } from '../protocol/receipt.ts';

/** The headers of an answer that MCP clients get in `_meta`, as text. */
const TEXTS = {
  'Agent-Receipt': 'countersign/receipt',
  RateLimit: 'countersign/ratelimit',
  'RateLimit-Policy': 'countersign/ratelimit-policy',
  'WWW-Authenticate': 'countersign/challenge',
} as const;

/** The HTTP status of the tool's answer, which its receipt names. */
export const STATUS_KEY = 'countersign/status';
/** In a refusal because a person must approve the call: `{url, state, expires_at}`. */
export const APPROVAL_KEY = 'countersign/approval';
/** In the result of a remote server: the keys of its own `_meta`. The receipt covers the result with these keys alone (docs/mcp.md). */
export const RESULT_META_KEY = 'countersign/result-meta';
/** Marks a block that the gateway wrote: the digest in the receipt does not cover that block. */
export const WORDS_KEY = 'countersign/words';

/** What the receipt of a metered call states: its charge in atomic units, its usage by unit, and what decided the charge. */
const CHARGED_KEY = 'countersign/charged';
const USAGE_KEY = 'countersign/usage';
const BASIS_KEY = 'countersign/basis';
/** How an answer of a metered tool ended that did not end by itself. */
const END_KEY = 'countersign/end';

/** A payment response in the form of x402 (`SettleResponse`). */
export type PaymentResponseJson = JsonObject & { readonly network: string };

/**
 * Returns the `_meta` of a result: the values about payment, receipt and limits that the HTTP answer has in headers. They must be in
 * `_meta`, because the headers of an event stream leave before the tool has answered.
 */
export const answerMeta = (headers: Headers): Record<string, unknown> => {
  const meta: Record<string, unknown> = {};
  for (const [header, key] of Object.entries(TEXTS)) {
    const value = headers.get(header);
    if (value !== null) meta[key] = value;
  }
  Object.assign(meta, meteredMeta(headers));
  const paid = paymentResponseOf(headers);
  if (paid === undefined) return meta;
  const { network } = paid;
  const version1 = nameOfNetwork(network as Network) ?? network;
  return {
    ...meta,
    'x402/payment-response': { ...paid, network: networkOfName(network) ?? network },
    'x402.payment-response': { ...paid, network: version1 },
  };
};

const meteredMeta = (headers: Headers): Record<string, unknown> => {
  const { charged, usage, basis, end } = receiptClaims(headers) ?? {};
  if (usage === undefined) return {};
  return {
    [CHARGED_KEY]: charged,
    [USAGE_KEY]: usage,
    [BASIS_KEY]: basis,
    ...(end === undefined ? {} : { [END_KEY]: end }),
  };
};

/** Reads the claims of the receipt that the gateway itself signed. */
export const receiptClaims = (headers: Headers): ReceiptClaims | undefined => {
  const claims = headers.get('Agent-Receipt')?.split('.')[1];
  const binary = claims === undefined ? undefined : decodeBinaryUrl(claims);
  const text = binary === undefined ? undefined : decodeBinaryUtf8(binary);
  return text === undefined ? undefined : (JSON.parse(text) as ReceiptClaims);
};

/** Reads the payment response that the gateway itself wrote, in either version. */
export const paymentResponseOf = (headers: Headers): PaymentResponseJson | undefined => {
  const value = headers.get(PAYMENT_RESPONSE_HEADER[2]) ?? headers.get(PAYMENT_RESPONSE_HEADER[1]);
  const binary = value === null ? undefined : decodeBinary(value);
  const text = binary === undefined ? undefined : decodeBinaryUtf8(binary);
  return text === undefined ? undefined : (JSON.parse(text) as PaymentResponseJson);
};
