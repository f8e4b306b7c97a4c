import { errors, exportPKCS8, generateKeyPair, jwtVerify } from 'jose';
import { createFakeKms, type FakeAnswer, type FakeKms } from './fake-kms.ts';
import { type FakeKmsKey, shapeOf, signDer, spkiOf } from './fake-kms-key.ts';

const AUDIENCE = 'https://cloudkms.googleapis.com/';
const KEY_ID = '0123456789abcdef0123456789abcdef01234567';

/** A service account of the fake: its key file as Google's console writes it, and its public key. */
export type FakeServiceAccount = { readonly file: string; readonly publicKey: CryptoKey };

export const createFakeServiceAccount = async (): Promise<FakeServiceAccount> => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const email = 'signer@shop-prod.iam.gserviceaccount.com';
  const file = {
    type: 'service_account',
    project_id: 'shop-prod',
    private_key_id: KEY_ID,
    private_key: `${(await exportPKCS8(privateKey)).trimEnd()}\n`,
    client_email: email,
    client_id: '111122223333444455556',
    auth_uri: 'https://accounts.google.com/o/oauth2/auth',
    token_uri: 'https://oauth2.googleapis.com/token',
    auth_provider_x509_cert_url: 'https://www.googleapis.com/oauth2/v1/certs',
    client_x509_cert_url: `https://www.googleapis.com/robot/v1/metadata/x509/${encodeURIComponent(email)}`,
    universe_domain: 'googleapis.com',
  };
  return { file: JSON.stringify(file), publicKey };
};

/**
 * A fake of Google Cloud KMS, which runs on Google's machines only: `getPublicKey` and `asymmetricSign`, in the wire form of the Cloud KMS REST
 * reference. It checks the bearer token as Google does for a self-signed JWT of a service account, and the checksum of the digest.
 */
export const createFakeGoogleKms = (options: {
  readonly account: FakeServiceAccount;
  readonly keys: readonly FakeKmsKey[];
  /** Unix milliseconds. */
  readonly now?: () => number;
}): FakeKms => {
  const { account, keys, now = Date.now } = options;
  let signatures = 0;
  const actionOf = ({ url, method }: Request): string =>
    `${method} ${/[:/]([A-Za-z]+)$/.exec(new URL(url).pathname)?.[1] ?? ''}`;
  return createFakeKms('application/json; charset=UTF-8', actionOf, async (request, body) => {
    if (!(await isAuthorized(request, account, now()))) return fault(401, 'UNAUTHENTICATED');
    const path = new URL(request.url).pathname.slice('/v1/'.length);
    const key = keys.find(
      ({ name }) => path === `${name}/publicKey` || path === `${name}:asymmetricSign`,
    );
    if (key === undefined) return fault(404, 'NOT_FOUND');
    if (key.isDisabled === true) return fault(400, 'FAILED_PRECONDITION');
    if (request.method === 'GET') return { status: 200, members: publicKeyMembers(key) };
    const { digest, digestCrc32c } = JSON.parse(Buffer.from(body).toString()) as SignRequest;
    const bytes = Buffer.from(digest?.sha256 ?? '', 'base64');
    const isDamaged = digestCrc32c !== undefined && digestCrc32c !== castagnoli(bytes);
    if (bytes.length !== 32 || isDamaged) return fault(400, 'INVALID_ARGUMENT');
    const signature = signDer(key, bytes, shapeOf((signatures += 1)));
    const members = {
      signature: Buffer.from(signature).toString('base64'),
      signatureCrc32c: castagnoli(signature),
      verifiedDigestCrc32c: digestCrc32c !== undefined,
      name: key.name,
      protectionLevel: 'HSM',
    };
    return { status: 200, members };
  });
};

type SignRequest = {
  readonly digest?: { readonly sha256?: string };
  readonly digestCrc32c?: string;
};

const publicKeyMembers = (key: FakeKmsKey) => {
  const lines =
    Buffer.from(spkiOf(key))
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  const pem = ['-----BEGIN PUBLIC KEY-----', ...lines, '-----END PUBLIC KEY-----', ''].join('\n');
  return {
    pem,
    algorithm: 'EC_SIGN_SECP256K1_SHA256',
    pemCrc32c: castagnoli(Buffer.from(pem)),
    name: key.name,
    protectionLevel: 'HSM',
  };
};

const fault = (code: number, status: string): FakeAnswer => ({
  status: code,
  members: { error: { code, message: 'project shop-prod and what Google says about it', status } },
});

/** Builds an error answer for a test. */
export const googleFault = (
  code: number,
  status: string,
  headers: Readonly<Record<string, string>> = {},
): Response => Response.json(fault(code, status).members, { status: code, headers });

const isAuthorized = async (
  request: Request,
  { publicKey }: FakeServiceAccount,
  now: number,
): Promise<boolean> => {
  const token = /^Bearer (\S+)$/.exec(request.headers.get('authorization') ?? '')?.[1];
  if (token === undefined) return false;
  try {
    const { payload, protectedHeader } = await jwtVerify(token, publicKey, {
      algorithms: ['RS256'],
      audience: AUDIENCE,
      currentDate: new Date(now),
      requiredClaims: ['iat', 'exp', 'iss', 'sub'],
    });
    const { iss, sub, iat = 0, exp = 0 } = payload;
    return (
      protectedHeader.kid === KEY_ID && iss === sub && exp - iat <= 3_600 && iat * 1_000 <= now
    );
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
};

/** CRC-32C bit by bit (RFC 3720 §12.1). Shares no code with the signer, so that a fault in the signer's table shows. */
const castagnoli = (bytes: Uint8Array): string => {
  let value = 0xffff_ffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0x82f6_3b78 : 0);
  }
  return String((value ^ 0xffff_ffff) >>> 0);
};
