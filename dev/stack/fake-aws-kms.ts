import { createHash, createHmac } from 'node:crypto';
import type { AwsCredentials } from '../../src/signer/backends/credentials.ts';
import { createFakeKms, type FakeAnswer, type FakeKms } from './fake-kms.ts';
import { type FakeKmsKey, shapeOf, signDer, spkiOf } from './fake-kms-key.ts';

const CONTENT_TYPE = 'application/x-amz-json-1.1';
/** Milliseconds by which the time of a request may differ. */
const SKEW = 300_000;

/**
 * A fake of AWS KMS, which runs on Amazon's machines only: GetPublicKey and Sign of asymmetric keys, in the wire form of the AWS KMS API
 * Reference. It verifies Signature Version 4 with code of its own, written from the AWS IAM User Guide.
 */
export const createFakeAwsKms = (options: {
  readonly credentials: AwsCredentials;
  readonly region: string;
  readonly keys: readonly FakeKmsKey[];
  /** Unix milliseconds. */
  readonly now?: () => number;
}): FakeKms => {
  const { credentials, region, keys, now = Date.now } = options;
  let signatures = 0;
  return createFakeKms(
    CONTENT_TYPE,
    (request) => request.headers.get('x-amz-target') ?? '',
    async (request, body) => {
      const refusal = refusalOf(request, body, credentials, region, now());
      if (refusal !== undefined) return fault(refusal, 403);
      if (request.method !== 'POST' || request.headers.get('content-type') !== CONTENT_TYPE) {
        return fault('SerializationException');
      }
      const members = JSON.parse(Buffer.from(body).toString()) as Record<string, string>;
      const key = keys.find(({ name }) => name === members['KeyId']);
      if (key === undefined) return fault('com.amazonaws.kms#NotFoundException');
      if (key.isDisabled === true) return fault('DisabledException');
      switch (request.headers.get('x-amz-target') ?? '') {
        case 'TrentService.GetPublicKey':
          return { status: 200, members: publicKeyMembers(key) };
        case 'TrentService.Sign': {
          const digest = Buffer.from(members['Message'] ?? '', 'base64');
          const { MessageType, SigningAlgorithm } = members;
          if (MessageType !== 'DIGEST' || digest.length !== 32) return fault('ValidationException');
          if (SigningAlgorithm !== 'ECDSA_SHA_256') return fault('InvalidKeyUsageException');
          const signature = signDer(key, digest, shapeOf((signatures += 1)));
          const Signature = Buffer.from(signature).toString('base64');
          return { status: 200, members: { KeyId: key.name, Signature, SigningAlgorithm } };
        }
        default:
          return fault('UnknownOperationException');
      }
    },
  );
};

const publicKeyMembers = (key: FakeKmsKey) => ({
  CustomerMasterKeySpec: 'ECC_SECG_P256K1',
  KeyId: key.name,
  KeySpec: 'ECC_SECG_P256K1',
  KeyUsage: 'SIGN_VERIFY',
  PublicKey: Buffer.from(spkiOf(key)).toString('base64'),
  SigningAlgorithms: ['ECDSA_SHA_256'],
});

/** AWS answers most errors with 400, throttling included. */
const fault = (type: string, status = 400): FakeAnswer => ({
  status,
  members: { __type: type, message: 'account 111122223333 and what AWS says about it' },
});

/** Builds an error answer for a test. */
export const awsFault = (type: string, status = 400): Response =>
  Response.json(fault(type, status).members, {
    status,
    headers: { 'content-type': CONTENT_TYPE },
  });

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([0-9]{8})\/([^/]+)\/kms\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;

/** The name of the error with which AWS rejects the signature of a request; undefined for a valid signature. */
const refusalOf = (
  request: Request,
  body: Uint8Array,
  credentials: AwsCredentials,
  region: string,
  now: number,
): string | undefined => {
  const authorization = request.headers.get('authorization');
  if (authorization === null) return 'MissingAuthenticationTokenException';
  const [, accessKeyId, day = '', scopeRegion, names = '', signature] =
    AUTHORIZATION.exec(authorization) ?? [];
  if (accessKeyId === undefined) return 'IncompleteSignatureException';
  if (accessKeyId !== credentials.accessKeyId) return 'UnrecognizedClientException';
  const token = request.headers.get('x-amz-security-token') ?? undefined;
  if (token !== credentials.sessionToken) return 'UnrecognizedClientException';
  const url = new URL(request.url);
  const headers = new Map([...request.headers, ['host', url.host]]);
  const signed = names.split(';');
  const mustBeSigned = [...headers.keys()].filter((name) => name.startsWith('x-amz-'));
  if (['host', ...mustBeSigned].some((name) => !signed.includes(name))) {
    return 'InvalidSignatureException';
  }
  const date = headers.get('x-amz-date') ?? '';
  const at = Date.parse(
    date.replace(
      /^(....)(..)(..)T(..)(..)(..)Z$/,
      (_, y, m, d, h, min, s) => `${y}-${m}-${d}T${h}:${min}:${s}Z`,
    ),
  );
  if (scopeRegion !== region || !date.startsWith(day) || !(Math.abs(at - now) <= SKEW)) {
    return 'InvalidSignatureException';
  }
  const canonical = [
    request.method,
    url.pathname,
    url.search.slice(1),
    ...signed.map((name) => `${name}:${(headers.get(name) ?? '').trim()}`),
    '',
    names,
    createHash('sha256').update(body).digest('hex'),
  ].join('\n');
  const text = [
    'AWS4-HMAC-SHA256',
    date,
    `${day}/${region}/kms/aws4_request`,
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n');
  const key = [day, region, 'kms', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${credentials.secretAccessKey}`,
  );
  const expected = createHmac('sha256', key).update(text).digest('hex');
  return signature === expected ? undefined : 'InvalidSignatureException';
};
