import type { Seconds } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import { encodeBase64, encodeBase64Url, utf8 } from '../crypto/bytes.ts';
import {
  COMPONENTS,
  fault,
  LIFETIME,
  readSignatureHeaders,
  type SignatureFault,
  type SignatureTag,
  SKEW,
} from './signature-headers.ts';

const NONCE_BYTES = 16;
/** A request as its signature covers it. */
export type SignableRequest = {
  readonly method: string;
  /** The absolute URL that the request is sent to, without fragment. The signer builds it from its own configured origin. */
  readonly targetUri: string;
  readonly contentType: string;
  readonly body: Uint8Array<ArrayBuffer>;
};

/** The Ed25519 key that signs requests. */
export type RequestKey = {
  /** RFC 7638 thumbprint of the public key. */
  readonly keyId: string;
  readonly privateKey: CryptoKey;
};

/** The fields that the profile adds to a request, and the content type that the signature covers. */
export type SignedHeaders = {
  readonly 'content-type': string;
  readonly 'content-digest': string;
  readonly 'signature-input': string;
  readonly signature: string;
};

/**
 * Signs a request with Ed25519 (RFC 9421, profile in docs/signer.md) and returns its headers. Each call draws a new nonce, so a repeat of
 * the request needs a new signature.
 *
 * @param now Unix seconds
 */
export const signedHeaders = async (
  request: SignableRequest,
  { keyId, privateKey }: RequestKey,
  now: Seconds,
  tag: SignatureTag = 'countersign-signer',
): Promise<SignedHeaders> => {
  const nonce = encodeBase64Url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
  const covered = COMPONENTS.map((name) => `"${name}"`).join(' ');
  const parameters = `(${covered});created=${now};expires=${now + LIFETIME};nonce="${nonce}";keyid="${keyId}";tag="${tag}"`;
  const digest = await contentDigest(request.body);
  const base = signatureBase(componentsOf(request, digest), parameters);
  const signature = await crypto.subtle.sign('Ed25519', privateKey, utf8(base));
  return {
    'content-type': request.contentType,
    'content-digest': digest,
    'signature-input': `sig=${parameters}`,
    signature: `sig=:${encodeBase64(new Uint8Array(signature))}:`,
  };
};

/** A request as it arrived. */
export type ReceivedRequest = Omit<SignableRequest, 'contentType'> & { readonly headers: Headers };

/** A signature that verified. The caller must still refuse a nonce that it has seen: the signature alone does not stop a replay. */
export type VerifiedSignature = {
  readonly keyId: string;
  readonly nonce: string;
  readonly created: Seconds;
  /** The time from which this signature is refused as expired, so the nonce can be forgotten. Unix seconds. */
  readonly until: Seconds;
};

/** Finds an enrolled public key, and knows the time. */
export type SignatureVerifier = {
  /** @returns undefined for a key that is not enrolled */
  readonly keyOf: (keyId: string) => CryptoKey | undefined | Promise<CryptoKey | undefined>;
  readonly now: Seconds;
  readonly tag?: SignatureTag;
};

/**
 * Verifies the signature of a request: exactly one label, exactly the components and parameters of the profile, at most 30 s of clock
 * difference. Compares the body with its digest, so the caller parses only a body that the key signed. Cheapest checks first.
 */
export const verifySignature = async (
  request: ReceivedRequest,
  { keyOf, now, tag = 'countersign-signer' }: SignatureVerifier,
): Promise<Result<VerifiedSignature, SignatureFault>> => {
  const { headers } = request;
  const contentType = headers.get('content-type');
  if (contentType === null) return fault('missing', 'content-type', 'The header is missing.');
  const read = readSignatureHeaders(headers, tag);
  if (!read.ok) return read;
  const { parameters, created, expires, keyId, nonce, signature } = read.value;
  if (created > now + SKEW) return fault('untimely', 'created', 'The time lies in the future.');
  if (expires <= now - SKEW) return fault('untimely', 'expires', 'The signature has expired.');

  const key = await keyOf(keyId);
  if (key === undefined) return fault('unknown_key', 'keyid', 'No key with this id is enrolled.');
  const digest = await contentDigest(request.body);
  if (headers.get('content-digest') !== digest) {
    return fault('digest_mismatch', 'content-digest', 'The digest is not the SHA-256 of the body.');
  }
  const base = signatureBase(componentsOf({ ...request, contentType }, digest), parameters);
  return (await crypto.subtle.verify('Ed25519', key, signature, utf8(base)))
    ? ok({ keyId, nonce, created, until: expires + SKEW })
    : fault(
        'invalid_signature',
        'signature',
        'The signature is not one of this key over this request.',
      );
};

/** A component name and its value. */
type Component = readonly [name: string, value: string];

/** The bytes that a signature covers, as text (RFC 9421 §2.5). */
export const signatureBase = (components: readonly Component[], parameters: string): string =>
  [...components, ['@signature-params', parameters] as const]
    .map(([name, value]) => `"${name}": ${value}`)
    .join('\n');

const componentsOf = (
  { method, targetUri, contentType }: Omit<SignableRequest, 'body'>,
  digest: string,
): readonly Component[] => {
  const values = [method, targetUri, digest, contentType];
  return COMPONENTS.map((name, at) => [name, values[at] ?? '']);
};

/** The only form of the field that the profile knows (RFC 9530): one member. */
const contentDigest = async (body: Uint8Array<ArrayBuffer>): Promise<string> =>
  `sha-256=:${encodeBase64(new Uint8Array(await crypto.subtle.digest('SHA-256', body)))}:`;
