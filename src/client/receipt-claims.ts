import * as z from 'zod/mini';
import { decodeBase64Url, decodeUtf8 } from '../crypto/bytes.ts';
import { parseAmount } from '../protocol/amount.ts';
import type { ReceiptClaims } from '../protocol/receipt.ts';
import { readJson } from './json.ts';

export const RECEIPT_HEADER = 'Agent-Receipt';
/** The longest receipt, in characters. */
export const MAX_TOKEN = 8_192;

const hash = z.string().check(z.regex(/^0x[0-9a-f]{64}$/));
/** One schema for each claim: the build fails if one is missing. */
export const claimsSchema = z.looseObject({
  iss: z.string(),
  agent: z.string(),
  tool: z.string(),
  call: hash,
  request: hash,
  binding: z.literal(['none', 'intent']),
  charged: z.string().check(z.refine((text) => parseAmount(text) !== undefined)),
  refunded: z.optional(z.string()),
  asset: z.string(),
  status: z.int(),
  response: z.string().check(z.regex(/^(?:0x[0-9a-f]{64}|none)$/)),
  end: z.optional(z.literal(['complete', 'maximum', 'truncated', 'timeout'])),
  usage: z.optional(z.record(z.string(), z.int())),
  basis: z.optional(z.literal(['metered', 'partial', 'missing', 'broken'])),
  entry: hash,
  policy: hash,
  iat: z.int(),
} satisfies Record<keyof ReceiptClaims, z.ZodMiniType>);

/** Whether an unverified receipt contains a digest of the answer: then the client must keep the bytes of the answer. */
export const hasBodyDigest = (token: string): boolean => {
  const bytes = token.length > MAX_TOKEN ? undefined : decodeBase64Url(token.split('.')[1] ?? '');
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  const claims = text === undefined ? undefined : claimsSchema.safeParse(readJson(text));
  return claims?.success === true && claims.data.response.startsWith('0x');
};
