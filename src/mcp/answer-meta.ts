import type { JsonObject } from '../core/json-object.ts';
import { decodeBinary, decodeBinaryUtf8 } from '../crypto/bytes.ts';
import { nameOfNetwork, networkOfName } from '../protocol/x402/networks.ts';
import { PAYMENT_RESPONSE_HEADER } from '../protocol/x402/headers.ts';
import type { Network } from '../protocol/account-id.ts';

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

/** Reads the payment response that the gateway itself wrote, in either version. */
export const paymentResponseOf = (headers: Headers): PaymentResponseJson | undefined => {
  const value = headers.get(PAYMENT_RESPONSE_HEADER[2]) ?? headers.get(PAYMENT_RESPONSE_HEADER[1]);
  const binary = value === null ? undefined : decodeBinary(value);
  const text = binary === undefined ? undefined : decodeBinaryUtf8(binary);
  return text === undefined ? undefined : (JSON.parse(text) as PaymentResponseJson);
};
