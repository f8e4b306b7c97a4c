import type { Seconds } from '../../core/clock.ts';
import { random16 } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { decodeBase64, encodeBase64Url } from '../../crypto/bytes.ts';
import { type JwsAlgorithm, signCompact } from '../../crypto/signer.ts';

/** A key of the Coinbase Developer Platform. */
export type CdpKey = { readonly id: string; readonly secret: string };

/** Makes the bearer token of one request to the Coinbase Developer Platform. */
export type CdpTokens = {
  /** A JWT for this method and this URL, valid for two minutes. */
  token(method: 'GET' | 'POST', url: string, now: Seconds): Promise<string>;
};

/** The longest lifetime that the platform accepts. */
const LIFETIME: Seconds = 120;

/**
 * Reads the secret of a CDP API key: base64 of 64 bytes (Ed25519 seed and public key), or a P-256 private key in PEM (PKCS#8 or SEC 1),
 * in which `\n` may replace a line break. The error never contains a part of the secret.
 */
export const openCdpTokens = async ({ id, secret }: CdpKey): Promise<Result<CdpTokens, string>> => {
  const read = secret.includes('-----BEGIN') ? await readPem(secret) : await readEd25519(secret);
  if (!read.ok) return read;
  const { key, alg } = read.value;
  return ok({
    token: async (method, url, now) => {
      const { host, pathname } = new URL(url);
      const claims = {
        sub: id,
        iss: 'cdp',
        // One token per endpoint: an intercepted token opens no other one.
        uris: [`${method} ${host}${pathname}`],
        iat: now,
        nbf: now,
        exp: now + LIFETIME,
      };
      const header = { alg, kid: id, typ: 'JWT', nonce: random16().slice(2) };
      return signCompact(key, header, claims);
    },
  });
};

type SigningKey = { readonly key: CryptoKey; readonly alg: JwsAlgorithm };

const UNREADABLE = 'is neither 64 bytes in base64 nor a P-256 private key in PEM';

const readEd25519 = async (secret: string): Promise<Result<SigningKey, string>> => {
  const bytes = decodeBase64(secret);
  if (bytes?.length !== 64) return err(UNREADABLE);
  const d = encodeBase64Url(bytes.subarray(0, 32));
  const x = encodeBase64Url(bytes.subarray(32));
  try {
    const jwk = { kty: 'OKP', crv: 'Ed25519', d, x };
    return ok({
      key: await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign']),
      alg: 'EdDSA',
    });
  } catch {
    return err(UNREADABLE);
  }
};

const readPem = async (secret: string): Promise<Result<SigningKey, string>> => {
  const text = secret.replaceAll('\\n', '\n');
  const match = /-----BEGIN (EC )?PRIVATE KEY-----([^-]+)-----END (?:EC )?PRIVATE KEY-----/.exec(
    text,
  );
  const der = match?.[2] === undefined ? undefined : decodeBase64(match[2].replaceAll(/\s/g, ''));
  if (der === undefined) return err(UNREADABLE);
  const pkcs8 = match?.[1] === undefined ? Uint8Array.from(der) : asPkcs8(der);
  try {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    return ok({
      key: await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
      alg: 'ES256',
    });
  } catch {
    return err(UNREADABLE);
  }
};

/** PKCS#8 version 0 and the algorithm, id-ecPublicKey over prime256v1 (RFC 5958, RFC 5480). */
const EC_P256 = [
  0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
  0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
];

/** Wraps an ECPrivateKey (SEC 1, RFC 5915), as the platform issues it, in PKCS#8, the only form that WebCrypto imports. */
const asPkcs8 = (sec1: Uint8Array): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(tagged(0x30, [...EC_P256, ...tagged(0x04, [...sec1])]));

const tagged = (tag: number, content: readonly number[]): readonly number[] => {
  const { length } = content;
  if (length < 0x80) return [tag, length, ...content];
  return length < 0x100
    ? [tag, 0x81, length, ...content]
    : [tag, 0x82, length >> 8, length & 0xff, ...content];
};
