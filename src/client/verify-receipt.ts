import type { Hex } from '../core/hex.ts';
import { bodyDigest, decodeBase64Url, decodeUtf8, utf8 } from '../crypto/bytes.ts';
import { accountId, type AccountId } from '../protocol/account-id.ts';
import { requestDigest } from '../protocol/intent/binding.ts';
import { RECEIPT_TYPE, type ReceiptClaims } from '../protocol/receipt.ts';
import { isRecord, readJson } from './json.ts';
import { observedAs, type Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';
import { claimsSchema, MAX_TOKEN } from './receipt-claims.ts';
import type { ReceiptKeys } from './receipt-keys.ts';
import { addressOf, type Signer } from './signer.ts';

/**
 * The `Agent-Receipt` of an answer, a JWS that the gateway signs (docs/wire-format.md §13). `verified`: the signature is valid, and the
 * claims match what this client sent and received. Otherwise `why` states the first check that failed.
 */
export type Receipt = VerifiedReceipt | { readonly verified: false; readonly why: string };

/** `token`: the compact JWS, as others verify it. */
export type VerifiedReceipt = {
  readonly verified: true;
  readonly claims: ReceiptClaims;
  readonly token: string;
};

/** The claims that a receipt must have, from the request and the answer of this client. */
export type Expected = {
  /** Claims that must be equal. */
  readonly claims: Omit<
    ReceiptClaims,
    'charged' | 'refunded' | 'status' | 'response' | 'entry' | 'policy' | 'iat'
  >;
  /** The most that the client signed for, in atomic units. */
  readonly amount: bigint;
  readonly status: number;
  /**
   * The bytes of the answer, or their SHA-256. `part`: the client received only a part, so it compares no digest. Undefined if the bytes
   * are too many to keep.
   */
  readonly body: Uint8Array<ArrayBuffer> | Hex | 'part' | undefined;
};

/** Verifies a receipt of an answer with this status against the request of the call. */
export const receiptOf = async (
  { keys, signer }: { readonly keys: ReceiptKeys; readonly signer: Signer },
  outgoing: Outgoing,
  proof: Proof,
  token: string,
  status: number,
  body: Expected['body'],
): Promise<Receipt> => {
  if (proof.gateway === undefined) return invalid('the offer names no audience that could sign it');
  const agent = accountId(proof.network, addressOf(signer));
  const claims = await expectedClaims(outgoing, proof, proof.gateway, agent);
  const { amount } = proof;
  return await verifyReceipt(keys, token, { claims, amount, status, body });
};

const expectedClaims = async (
  outgoing: Outgoing,
  { call, binding, asset }: Proof,
  { audience, tool }: NonNullable<Proof['gateway']>,
  agent: AccountId,
): Promise<Expected['claims']> => {
  const request = await requestDigest(observedAs(outgoing, audience, tool));
  return { iss: audience, agent, tool, call, request, asset, binding };
};

/** Verifies a receipt: EdDSA with a key of the audience, then every claim against what the client sent and received. */
export const verifyReceipt = async (
  keys: ReceiptKeys,
  token: string,
  expected: Expected,
): Promise<Receipt> => {
  if (token.length > MAX_TOKEN)
    return invalid(`the receipt is longer than ${MAX_TOKEN} characters`);
  const signed = await signedClaims(keys, token, expected.claims.iss);
  if (typeof signed === 'string') return invalid(signed);
  const parsed = claimsSchema.safeParse(signed.json);
  if (!parsed.success) {
    return invalid(`the claim ${parsed.error.issues[0]?.path.join('.') ?? ''} is malformed`);
  }
  const claims = parsed.data as ReceiptClaims;
  const wrong = await wrongClaim(claims, expected);
  return wrong === undefined ? { verified: true, claims, token } : invalid(wrong);
};

const invalid = (why: string): Receipt => ({ verified: false, why });

/** Bytes of an Ed25519 signature: WebCrypto of Workers throws for another length. */
const SIGNATURE_LENGTH = 64;

/**
 * Verifies a compact JWS (RFC 7515 §7.1). Returns its signed claims, or the reason why it is invalid. The token chooses neither the
 * algorithm nor the source of keys (RFC 8725 §3.1).
 */
const signedClaims = async (
  keys: ReceiptKeys,
  token: string,
  audience: string,
): Promise<{ readonly json: unknown } | string> => {
  const [header = '', payload = '', signature = '', ...more] = token.split('.');
  const stated = jsonIn(header);
  const { alg, typ, kid } = isRecord(stated) ? stated : {};
  if (typ !== RECEIPT_TYPE) return 'the token is not a receipt';
  const key = typeof kid === 'string' ? await keys.find(audience, kid) : undefined;
  if (key === undefined) return `${audience} does not publish its key`;
  const bytes = decodeBase64Url(signature);
  const isSigned =
    bytes?.byteLength === SIGNATURE_LENGTH &&
    more.length === 0 &&
    (alg === 'EdDSA' || alg === 'Ed25519') &&
    // RFC 7515 §4.1.11: reject an extension that the verifier does not know.
    !('crit' in (stated as object)) &&
    (await crypto.subtle.verify(
      'Ed25519',
      key,
      new Uint8Array(bytes),
      utf8(`${header}.${payload}`),
    ));
  return isSigned ? { json: jsonIn(payload) } : 'the signature is invalid';
};

/** The JSON in a part of a JWS; undefined if it is malformed. */
const jsonIn = (part: string): unknown => {
  const bytes = decodeBase64Url(part);
  return readJson((bytes && decodeUtf8(bytes)) ?? '');
};

const wrongClaim = async (
  claims: ReceiptClaims,
  expected: Expected,
): Promise<string | undefined> => {
  const given: Readonly<Record<string, unknown>> = claims;
  const wrong = Object.entries(expected.claims).find(([name, value]) => given[name] !== value);
  if (wrong !== undefined) return `it is for another ${wrong[0]}`;
  if (BigInt(claims.charged) > expected.amount) return 'it charges more than the agent signed for';
  // If the tool gave no answer, the receipt has status 0 and the gateway answers in its place.
  const isFailure = claims.status === 0 && claims.response === 'none' && expected.status >= 500;
  if (claims.status !== expected.status && !isFailure) return 'it is for another status';
  if (isFailure) return undefined;
  if (expected.body === undefined)
    return 'the answer is longer than the bytes that the client keeps to check it';
  if (expected.body === 'part') return undefined;
  const digest =
    typeof expected.body === 'string' ? expected.body : await bodyDigest(expected.body);
  return claims.response === digest ? undefined : 'it is for another answer';
};
