import * as z from 'zod/mini';
import { err, ok, type Result } from '../core/result.ts';
import { signCompact, thumbprint } from './jws.ts';

/** A public Ed25519 key as `/.well-known/jwks.json` shows it (RFC 7517, RFC 8037). */
export type PublicKey = {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly use: 'sig';
};

/** Signs what the gateway states about a call: receipts for agents, assertions for upstreams (design §4.8). */
export type Signer = {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly jwks: { readonly keys: readonly PublicKey[] };
  /** A compact JWS (RFC 7515) over the claims, EdDSA. `typ` keeps one kind of statement from passing as another. */
  sign(claims: Readonly<Record<string, unknown>>, typ: string): Promise<string>;
  /** The Ed25519 signature of a text that is no JWS: a webhook's (Standard Webhooks, `v1a`). */
  signBytes(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
};

/** Why RECEIPT_KEY cannot be used. Says which member is wrong, never what it holds. */
export type SignerFault = { readonly kind: 'malformed_key'; readonly detail: string };

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

/** The imported key of this isolate. Only the value is kept: a pending promise of one request must not be awaited by another. */
let opened: { readonly text: string; readonly signer: Signer } | undefined;

/** Imports the Ed25519 private key of RECEIPT_KEY (JWK text), once per isolate. */
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

  const kid = await thumbprint(x);
  const signer: Signer = {
    kid,
    jwks: { keys: [{ ...publicJwk, kid, alg: 'EdDSA', use: 'sig' }] },
    sign: async (claims, typ) => signCompact(key, { alg: 'EdDSA', typ, kid }, claims),
    signBytes: async (bytes) => {
      // "ey" is how every JWS begins: one key must not sign a receipt in the name of a webhook.
      if (bytes[0] === 0x65 && bytes[1] === 0x79) throw new Error('this would be a JWS');
      return new Uint8Array(await crypto.subtle.sign('Ed25519', key, bytes));
    },
  };
  opened = { text: jwkText, signer };
  return ok(signer);
};

/** The private key, or undefined when the two halves do not belong together: nobody could verify what such a key signs. */
const importPair = async (
  publicJwk: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string },
  d: string,
): Promise<CryptoKey | undefined> => {
  try {
    const privateJwk = { ...publicJwk, d };
    const privateKey = await crypto.subtle.importKey('jwk', privateJwk, 'Ed25519', false, ['sign']);
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
