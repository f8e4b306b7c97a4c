import { compactVerify, decodeProtectedHeader } from 'jose';
import * as z from 'zod/mini';
import type { AccountId, AssetId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import { parseAmount } from '../protocol/amount.ts';
import { decodeBase64Url, decodeUtf8 } from '../crypto/bytes.ts';
import { bodyDigest } from '../crypto/digest.ts';
import { RECEIPT_TYPE, type ReceiptClaims } from '../protocol/receipt.ts';
import { readJson } from './json.ts';
import type { ReceiptKeys } from './receipt-keys.ts';

/** `Agent-Receipt` of an answer: checked against what was sent and what came, or why it does not hold. */
export type Receipt =
  | { readonly verified: true; readonly claims: ReceiptClaims & { readonly binding?: Binding } }
  | { readonly verified: false; readonly why: string };

type Binding = 'none' | 'intent';

/** What a receipt must say, from what this client sent and got. */
export type Expected = {
  readonly audience: string;
  readonly agent: AccountId;
  readonly tool: string;
  readonly call: Hex;
  /** `requestDigest` of what was sent. */
  readonly request: Hex;
  readonly binding: Binding;
  readonly asset: AssetId;
  /** The most that was signed for. */
  readonly amount: bigint;
  readonly status: number;
  /** The bytes of the answer; undefined where they were too many to be kept. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
};

export const RECEIPT_HEADER = 'Agent-Receipt';
const MAX_TOKEN = 8_192;

const hash = z.string().check(z.regex(/^0x[0-9a-f]{64}$/));
const claimsSchema = z.looseObject({
  iss: z.string(),
  agent: z.string(),
  tool: z.string(),
  call: hash,
  request: hash,
  charged: z.string().check(z.refine((text) => parseAmount(text) !== undefined)),
  asset: z.string(),
  status: z.int(),
  response: z.union([hash, z.literal('streamed'), z.literal('none')]),
  entry: hash,
  policy: hash,
  binding: z.optional(z.enum(['none', 'intent'])),
  iat: z.int(),
});

/** Whether a receipt, not yet verified, speaks of an answer that was read whole: then its bytes are needed to check it. */
export const speaksOfBytes = (token: string): boolean => {
  const bytes = token.length > MAX_TOKEN ? undefined : decodeBase64Url(token.split('.')[1] ?? '');
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  const claims = text === undefined ? undefined : claimsSchema.safeParse(readJson(text));
  return claims?.success === true && claims.data.response.startsWith('0x');
};

/** Verifies a receipt: EdDSA by a key of the audience, then every claim against what was sent and what came. */
export const verifyReceipt = async (
  keys: ReceiptKeys,
  token: string,
  expected: Expected,
): Promise<Receipt> => {
  if (token.length > MAX_TOKEN) return no('the receipt is longer than 8192 characters');
  const claims = await signedClaims(keys, token, expected.audience);
  if (typeof claims === 'string') return no(claims);
  const parsed = claimsSchema.safeParse(claims.json);
  if (!parsed.success) {
    return no(`the claim ${parsed.error.issues[0]?.path.join('.') ?? ''} is not what it must be`);
  }
  const told = parsed.data as ReceiptClaims & { readonly binding?: Binding };
  const wrong = await wrongClaim(told, expected);
  return wrong === undefined ? { verified: true, claims: told } : no(wrong);
};

const no = (why: string): Receipt => ({ verified: false, why });

/** What the token signs, or why it signs nothing. Its own header chooses neither algorithm nor where keys come from. */
const signedClaims = async (
  keys: ReceiptKeys,
  token: string,
  audience: string,
): Promise<{ readonly json: unknown } | string> => {
  try {
    const { typ, kid } = decodeProtectedHeader(token);
    if (typ !== RECEIPT_TYPE) return 'it is a statement of another type';
    const key = typeof kid === 'string' ? await keys.find(audience, kid) : undefined;
    if (key === undefined) return `its key is not among those of ${audience}`;
    const { payload } = await compactVerify(token, key, { algorithms: ['EdDSA', 'Ed25519'] });
    return { json: readJson(new TextDecoder().decode(payload)) };
  } catch {
    return 'its signature does not hold';
  }
};

const wrongClaim = async (
  told: ReceiptClaims & { readonly binding?: Binding },
  expected: Expected,
): Promise<string | undefined> => {
  const pairs: readonly (readonly [name: string, got: unknown, wanted: unknown])[] = [
    ['iss', told.iss, expected.audience],
    ['agent', told.agent, expected.agent],
    ['tool', told.tool, expected.tool],
    ['call', told.call, expected.call],
    ['request', told.request, expected.request],
    ['asset', told.asset, expected.asset],
    ['binding', told.binding ?? expected.binding, expected.binding],
  ];
  const wrong = pairs.find(([, got, wanted]) => got !== wanted);
  if (wrong !== undefined) return `it is for another ${wrong[0]}`;
  if (BigInt(told.charged) > expected.amount) return 'it charges more than was signed for';
  // A tool that gave no answer has the status 0; the gateway then answers in its place.
  const isFailure = told.status === 0 && told.response === 'none' && expected.status >= 500;
  if (told.status !== expected.status && !isFailure) return 'it is for another status';
  if (told.response === 'streamed' || isFailure) return undefined;
  if (expected.body === undefined) return 'the answer is longer than what was digested';
  const digest = await bodyDigest(expected.body);
  return told.response === digest ? undefined : 'it is for another answer';
};
