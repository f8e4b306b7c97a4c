import * as z from 'zod/mini';
import type { Clock } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { bytesOf, decodeBase64, encodeBase64, utf8 } from '../../crypto/bytes.ts';
import type { KeyReference } from '../../protocol/key-reference.ts';
import { exchangeJson, type Posted } from '../../settlement/post-json.ts';
import { type KeyBackend, type KeyFault, mismatch, unavailable } from './backend.ts';
import { crc32c } from './crc32c.ts';
import type { GoogleCredentials } from './credentials.ts';
import { toEthereumSignature } from './der-signature.ts';
import { createGoogleToken } from './google-token.ts';
import { withRetries } from './retry.ts';
import { addressOfSpki, decodePublicKeyPem } from './spki.ts';

type GoogleKey = Extract<KeyReference, { service: 'google-kms' }>;

/** Also the audience of tokens, so that a token for this service opens no other one. */
export const GOOGLE_KMS = 'https://cloudkms.googleapis.com/';

const INVALID = 'INVALID_ARGUMENT';

/** Milliseconds for one request. */
const TIMEOUT = 2_000;
/** A public key takes 600 bytes with its metadata; an error with details 2 KB. */
const MAX_BYTES = 8_192;

const checksum = z.string().check(z.regex(/^[0-9]{1,10}$/));
const name = z.string().check(z.maxLength(512));
// Unknown members are ignored: Google adds members to answers within a version of an API.
const publicKeyAnswer = z.object({
  name,
  algorithm: z.string().check(z.maxLength(64)),
  pem: z.string().check(z.maxLength(2_048)),
  pemCrc32c: checksum,
});
const signAnswer = z.object({
  name,
  signature: z.string().check(z.maxLength(1_024)),
  signatureCrc32c: checksum,
  verifiedDigestCrc32c: z.literal(true),
});
const errorAnswer = z.object({ error: z.object({ status: z.string().check(z.maxLength(64)) }) });

/**
 * Signs with key versions in Google Cloud KMS of the algorithm EC_SIGN_SECP256K1_SHA256 (Cloud KMS REST reference, `asymmetricSign` and
 * `getPublicKey`). Checks what Google asks clients to check ("Verify end-to-end data integrity"): names and CRC-32C in both directions. A
 * wrong sum is a damaged transmission and may pass; a wrong name is a mismatch.
 *
 * @param endpoint origin of a service on this machine, for the local stack; undefined for Google
 */
export const openGoogleKms = (
  credentials: GoogleCredentials,
  clock: Clock,
  endpoint: string | undefined,
): KeyBackend => {
  const token = createGoogleToken(credentials, GOOGLE_KMS);
  const call = async <T>(
    path: string,
    request: { readonly method: 'GET' | 'POST'; readonly body?: string },
    check: (json: unknown) => Result<T, KeyFault>,
  ): Promise<Result<T, KeyFault>> => {
    const url = new URL(`/v1/${path}`, endpoint ?? GOOGLE_KMS);
    return await withRetries(clock, async () => {
      const bearer = await token(Math.floor(clock.now() / 1_000));
      if (bearer === undefined) return err({ kind: 'denied', detail: 'private_key' });
      const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
      const limits = { timeoutMs: TIMEOUT, maxBytes: MAX_BYTES };
      const got = await exchangeJson(url.href, { ...request, headers }, limits);
      if (!got.ok) return unavailable(got.error.kind);
      return got.value.status === 200 ? check(got.value.json) : err(faultOf(got.value));
    });
  };

  return {
    address: async (key) => {
      if (key.service !== 'google-kms') return mismatch('service');
      const got = await call(`${key.name}/publicKey`, { method: 'GET' }, (json) => {
        const read = publicKeyAnswer.safeParse(json);
        if (!read.success) return unavailable('public key');
        const { pem, pemCrc32c, algorithm } = read.data;
        if (crc32c(utf8(pem)) !== pemCrc32c) return unavailable('pemCrc32c');
        if (read.data.name !== key.name) return mismatch('name');
        if (algorithm !== 'EC_SIGN_SECP256K1_SHA256') return mismatch('algorithm');
        const spki = decodePublicKeyPem(pem);
        const address = spki === undefined ? undefined : addressOfSpki(spki);
        return address === undefined ? mismatch('pem') : ok(address);
      });
      // The key has another purpose. Google answers a request to sign with it as if the digest were damaged.
      const isOther = !got.ok && got.error.kind === 'unavailable' && got.error.detail === INVALID;
      return isOther ? mismatch('purpose') : got;
    },
    sign: async (key, digest, expected) => {
      if (key.service !== 'google-kms') return mismatch('service');
      const bytes = bytesOf(digest);
      // The service only checks the length of a digest, so a Keccak-256 digest is sent as one of SHA-256.
      const body = JSON.stringify({
        digest: { sha256: encodeBase64(bytes) },
        digestCrc32c: crc32c(bytes),
      });
      const der = await call(`${key.name}:asymmetricSign`, { method: 'POST', body }, (json) =>
        readSigned(json, key),
      );
      return der.ok ? toEthereumSignature(der.value, digest, expected) : der;
    },
  };
};

/** Reads an answer of `asymmetricSign`. */
const readSigned = (json: unknown, key: GoogleKey): Result<Uint8Array, KeyFault> => {
  const read = signAnswer.safeParse(json);
  if (!read.success) return unavailable('answer to asymmetricSign');
  const der = decodeBase64(read.data.signature);
  if (der === undefined || crc32c(der) !== read.data.signatureCrc32c) {
    return unavailable('signatureCrc32c');
  }
  return read.data.name === key.name ? ok(der) : mismatch('name');
};

/** Errors by canonical code (google.rpc.Code), which is finer than the HTTP status. */
const faultOf = ({ json, retryAfter }: Posted): KeyFault => {
  const read = errorAnswer.safeParse(json);
  const status = read.success ? read.data.error.status : '';
  const detail = /^[A-Z_]{1,64}$/.test(status) ? status : 'unknown error';
  switch (status) {
    case 'RESOURCE_EXHAUSTED':
      return { kind: 'throttled', retryAfter: Math.max(1, retryAfter ?? 1) };
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
      return { kind: 'denied', detail };
    case 'NOT_FOUND':
      return { kind: 'missing' };
    // The version is disabled, destroyed or not yet generated.
    case 'FAILED_PRECONDITION':
      return { kind: 'disabled' };
    default:
      return { kind: 'unavailable', detail };
  }
};
