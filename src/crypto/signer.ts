import * as z from 'zod/mini';
import { memoize } from '../core/bounded-map.ts';
import { err, ok, type Result } from '../core/result.ts';
import { encodeBase64Url, utf8 } from './bytes.ts';
import { ed25519Signer } from './native-crypto.ts';
import { thumbprint } from './thumbprint.ts';

/** A public Ed25519 key in `/.well-known/jwks.json` (RFC 7517, RFC 8037). */
export type PublicKey = {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly use: 'sig';
};

type Claims = Readonly<Record<string, unknown>>;

/** Signs the statements of the gateway about a call: receipts for agents, assertions for upstreams. */
export type Signer = {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly jwks: { readonly keys: readonly PublicKey[] };
  /** Signs claims as a compact JWS with EdDSA. `typ` prevents one kind of statement from passing as another (RFC 8725 §3.11). */
  sign(claims: Claims, typ: string): string;
  /** Signs the bytes of a webhook with Ed25519 (Standard Webhooks, `v1a`). @throws Error for bytes that begin like a JWS. */
  signBytes(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
};

/** Why RECEIPT_KEY cannot be used. Names the wrong member, never its value. */
type SignerFault = { readonly kind: 'malformed_key'; readonly detail: string };

/** 32 bytes in base64url without padding. */
const bytes32 = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/));

const privateKeySchema = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: bytes32,
  d: bytes32,
  kid: z.optional(z.string()),
  alg: z.optional(z.enum(['EdDSA', 'Ed25519'])),
  use: z.optional(z.literal('sig')),
  key_ops: z.optional(z.array(z.string())),
  ext: z.optional(z.boolean()),
});

/** Above the number of `typ`s that the gateway signs. */
const CACHED_TYPES = 16;

/** The imported key of this isolate. Not a promise: workerd forbids a request to await the I/O of another request. */
let opened: { readonly text: string; readonly signer: Signer } | undefined;

/** Imports the Ed25519 private key of RECEIPT_KEY (a JWK as text), once per isolate. */
export const openSigner = async (jwkText: string): Promise<Result<Signer, SignerFault>> => {
  if (opened?.text === jwkText) return ok(opened.signer);
  const parsed = privateKeySchema.safeParse(parseJson(jwkText));
  if (!parsed.success) {
    const members = parsed.error.issues.map(({ path }) => path.join('.') || 'key').join(', ');
    return malformed(`not an Ed25519 private key as JWK: ${members}`);
  }
  const { kty, crv, x, d } = parsed.data;
  const publicJwk = { kty, crv, x } as const;
  const key = await importPair(publicJwk, d);
  if (key === undefined) return malformed('x is not the public key of d');

  const published = await publishedKey(x);
  const { kid } = published;
  const signNatively = ed25519Signer(key);
  const headerOf = memoize(
    CACHED_TYPES,
    (typ: string) => typ,
    (typ) => part({ alg: 'EdDSA', typ, kid }),
  );
  const signer: Signer = {
    kid,
    jwks: { keys: [published] },
    sign: (claims, typ) => compact(`${headerOf(typ)}.${part(claims)}`, signNatively),
    signBytes: async (bytes) => {
      // Every JWS begins with "ey". Otherwise a webhook body could be crafted so that its signature is one of a receipt.
      if (bytes[0] === 0x65 && bytes[1] === 0x79) throw new Error('the bytes begin like a JWS');
      return new Uint8Array(await crypto.subtle.sign('Ed25519', key, bytes));
    },
  };
  opened = { text: jwkText, signer };
  return ok(signer);
};

/** Imports the private key. @returns undefined if x is not the public key of d: no signature of such a key would verify. */
const importPair = async (
  publicJwk: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string },
  d: string,
): Promise<CryptoKey | undefined> => {
  try {
    const privateJwk = { ...publicJwk, d };
    // Extractable: `KeyObject.from` of a non-extractable key is deprecated (DEP0204), and code that has this object also has the JWK.
    const privateKey = await crypto.subtle.importKey('jwk', privateJwk, 'Ed25519', true, ['sign']);
    const publicKey = await crypto.subtle.importKey('jwk', publicJwk, 'Ed25519', false, ['verify']);
    const probe = new TextEncoder().encode('countersign');
    const signature = await crypto.subtle.sign('Ed25519', privateKey, probe);
    const belongs = await crypto.subtle.verify('Ed25519', publicKey, signature, probe);
    return belongs ? privateKey : undefined;
  } catch {
    return undefined;
  }
};

const malformed = (detail: string): Result<never, SignerFault> =>
  err({ kind: 'malformed_key', detail });

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Algorithms that the gateway signs with. Older keys of Coinbase need ES256. */
export type JwsAlgorithm = 'EdDSA' | 'ES256';

type Header = Readonly<Record<string, string>> & { readonly alg: JwsAlgorithm };

/** WebCrypto encodes an ECDSA signature as r and s of 32 bytes each, as RFC 7518 §3.4 requires. */
const PARAMETERS = {
  EdDSA: 'Ed25519',
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
} as const;

const part = (json: object): string => encodeBase64Url(utf8(JSON.stringify(json)));

const compact = (input: string, sign: (input: Uint8Array) => Uint8Array): string =>
  `${input}.${encodeBase64Url(sign(utf8(input)))}`;

/**
 * Signs claims as a compact JWS (RFC 7515). Own code because jose would add 4 KiB gzip to every isolate; a test compares the bytes with
 * those of jose. Readers use jose.
 */
export const signCompact = async (
  key: CryptoKey,
  header: Header,
  claims: Claims,
): Promise<string> => {
  const input = `${part(header)}.${part(claims)}`;
  const signature = await crypto.subtle.sign(PARAMETERS[header.alg], key, utf8(input));
  return compact(input, () => new Uint8Array(signature));
};

/** Returns the public key of `x`, 32 bytes in base64url, as the key set holds it. */
export const publishedKey = async (x: string): Promise<PublicKey> => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x,
  kid: await thumbprint(x),
  alg: 'EdDSA',
  use: 'sig',
});
