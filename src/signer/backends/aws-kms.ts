import * as z from 'zod/mini';
import type { Clock } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { bytesOf, decodeBase64, encodeBase64, utf8 } from '../../crypto/bytes.ts';
import type { KeyReference } from '../../protocol/key-reference.ts';
import { exchangeJson } from '../../settlement/post-json.ts';
import { signSigV4 } from '../../vault/sigv4.ts';
import { type KeyBackend, type KeyFault, mismatch, unavailable } from './backend.ts';
import type { AwsCredentials } from './credentials.ts';
import { toEthereumSignature } from './der-signature.ts';
import { withRetries } from './retry.ts';
import { addressOfSpki } from './spki.ts';

/** The key is known by its name alone; see `KeyReference`. */
type AwsKey = Extract<KeyReference, { service: 'aws-kms' }>;

/** Milliseconds for one request. The service answers in 10 to 60 from near. */
const TIMEOUT = 2_000;
/** A public key takes 700 bytes with its metadata, an error message at most a few hundred more. */
const MAX_BYTES = 8_192;

const base64 = z.string().check(z.maxLength(1_024));
// Unknown members are ignored: AWS adds members to answers within a version of an API.
const publicKeyAnswer = z.object({
  KeyId: z.string().check(z.maxLength(512)),
  KeySpec: z.string().check(z.maxLength(64)),
  KeyUsage: z.string().check(z.maxLength(64)),
  PublicKey: base64,
});
const signAnswer = z.object({
  KeyId: z.string().check(z.maxLength(512)),
  Signature: base64,
  SigningAlgorithm: z.literal('ECDSA_SHA_256'),
});
const errorAnswer = z.object({ __type: z.string().check(z.maxLength(256)) });

/**
 * Signs with keys in AWS KMS of spec ECC_SECG_P256K1 (AWS KMS API Reference, Sign and GetPublicKey; signed with Signature Version 4).
 *
 * @param endpoint origin of a service on this machine, for the local stack; undefined for AWS
 */
export const openAwsKms = (
  credentials: AwsCredentials,
  clock: Clock,
  endpoint: string | undefined,
): KeyBackend => {
  const call = async <T>(
    key: AwsKey,
    action: 'GetPublicKey' | 'Sign',
    members: Readonly<Record<string, string>>,
    schema: z.ZodMiniType<T>,
  ): Promise<Result<T, KeyFault>> => {
    const url = new URL(endpoint ?? `https://kms.${key.region}.amazonaws.com/`);
    const body = new Uint8Array(utf8(JSON.stringify({ KeyId: key.name, ...members })));
    const target = { 'x-amz-target': `TrentService.${action}` };
    return await withRetries(clock, async () => {
      const signature = await signSigV4({
        ...{ method: 'POST', url, body, headers: target, service: 'kms', region: key.region },
        ...{ ...credentials, now: clock.now() },
      });
      const headers = { ...signature, ...target, 'content-type': 'application/x-amz-json-1.1' };
      const limits = { timeoutMs: TIMEOUT, maxBytes: MAX_BYTES };
      const got = await exchangeJson(url.href, { method: 'POST', headers, body }, limits);
      if (!got.ok) return unavailable(got.error.kind);
      if (got.value.status !== 200) return err(faultOf(got.value.json));
      const read = schema.safeParse(got.value.json);
      return read.success ? ok(read.data) : unavailable(`answer to ${action}`);
    });
  };

  return {
    address: async (key) => {
      if (key.service !== 'aws-kms') return mismatch('service');
      const got = await call(key, 'GetPublicKey', {}, publicKeyAnswer);
      if (!got.ok) return got;
      const { KeyId, KeySpec, KeyUsage, PublicKey } = got.value;
      if (KeyId !== key.name) return mismatch('KeyId');
      if (KeySpec !== 'ECC_SECG_P256K1' || KeyUsage !== 'SIGN_VERIFY') return mismatch('KeySpec');
      const spki = decodeBase64(PublicKey);
      const address = spki === undefined ? undefined : addressOfSpki(spki);
      return address === undefined ? mismatch('PublicKey') : ok(address);
    },
    sign: async (key, digest, expected) => {
      if (key.service !== 'aws-kms') return mismatch('service');
      const members = {
        // KMS only checks that a digest has 32 bytes, so a Keccak-256 digest is sent as one of SHA-256.
        Message: encodeBase64(bytesOf(digest)),
        MessageType: 'DIGEST',
        SigningAlgorithm: 'ECDSA_SHA_256',
      };
      const got = await call(key, 'Sign', members, signAnswer);
      if (!got.ok) return got;
      if (got.value.KeyId !== key.name) return mismatch('KeyId');
      return toEthereumSignature(decodeBase64(got.value.Signature), digest, expected);
    },
  };
};

/**
 * Errors by name ("Errors" of both actions; AWS KMS Developer Guide, "Key states"; AWS JSON protocol 1.1), which are more specific than the
 * status.
 */
const FAULTS: Readonly<Record<string, KeyFault['kind']>> = {
  // HTTP 400, not 429.
  ThrottlingException: 'throttled',
  Throttling: 'throttled',
  LimitExceededException: 'throttled',
  AccessDeniedException: 'denied',
  AccessDenied: 'denied',
  NotAuthorized: 'denied',
  OptInRequired: 'denied',
  UnrecognizedClientException: 'denied',
  InvalidClientTokenId: 'denied',
  InvalidSignatureException: 'denied',
  IncompleteSignature: 'denied',
  IncompleteSignatureException: 'denied',
  MissingAuthenticationToken: 'denied',
  MissingAuthenticationTokenException: 'denied',
  ExpiredTokenException: 'denied',
  NotFoundException: 'missing',
  InvalidArnException: 'missing',
  DisabledException: 'disabled',
  KMSInvalidStateException: 'disabled',
  InvalidKeyUsageException: 'mismatch',
  UnsupportedOperationException: 'mismatch',
};

const faultOf = (json: unknown): KeyFault => {
  const read = errorAnswer.safeParse(json);
  // The type may be `com.amazonaws.kms#ThrottlingException`, and older protocols append `:http://…`.
  const type = read.success ? (read.data.__type.split('#').at(-1)?.split(':')[0] ?? '') : '';
  const detail = /^[A-Za-z]{1,64}$/.test(type) ? type : 'unknown error';
  const kind = Object.hasOwn(FAULTS, type) ? FAULTS[type] : undefined;
  switch (kind) {
    case 'throttled':
      // AWS sends no Retry-After. Its quota is one of requests a second.
      return { kind, retryAfter: 1 };
    case 'denied':
    case 'mismatch':
      return { kind, detail };
    case 'missing':
    case 'disabled':
      return { kind };
    case 'unavailable':
    case undefined:
      return { kind: 'unavailable', detail };
  }
};
