import { utf8 } from '../crypto/bytes.ts';
import { thumbprint } from '../crypto/thumbprint.ts';
import type { RequestKey } from '../protocol/http-signature.ts';
import { CountersignError } from './errors.ts';

/** A public Ed25519 key (RFC 8037), as an owner enrols it at a signer. */
export type PublicAgentKey = { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string };

/**
 * The key that an agent authenticates with at a signer, which holds the wallet key. A plain object: browsers can keep it in IndexedDB,
 * where no script can read the private key.
 */
export type AgentKey = RequestKey & { readonly jwk: PublicAgentKey };

/** A private Ed25519 key, as `countersign signer enrol` stores it. */
export type PrivateAgentKey = {
  readonly kty?: string;
  readonly crv?: string;
  readonly x?: string;
  readonly d?: string;
};

/**
 * Makes a new key whose private half cannot leave this process, or imports a stored one.
 *
 * @param stored a private JWK; only its members kty, crv, x and d are read
 * @throws CountersignError `options_invalid` for any other key; never repeats its input
 */
export const agentKey = async (stored?: PrivateAgentKey): Promise<AgentKey> => {
  const { privateKey, x } = stored === undefined ? await newPair() : await importPair(stored);
  return { keyId: await thumbprint(x), privateKey, jwk: publicJwk(x) };
};

const publicJwk = (x: string): PublicAgentKey => ({ kty: 'OKP', crv: 'Ed25519', x });

const newPair = async () => {
  const pair = (await crypto.subtle.generateKey('Ed25519', false, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const { x = '' } = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JsonWebKey;
  return { privateKey: pair.privateKey, x };
};

const importPair = async ({ kty, crv, x, d }: PrivateAgentKey) => {
  try {
    if (kty !== 'OKP' || crv !== 'Ed25519' || x === undefined || d === undefined) throw new Error();
    const privateJwk = { ...publicJwk(x), d };
    const { subtle } = crypto;
    const privateKey = await subtle.importKey('jwk', privateJwk, 'Ed25519', false, ['sign']);
    const publicKey = await subtle.importKey('jwk', publicJwk(x), 'Ed25519', false, ['verify']);
    const probe = utf8('countersign');
    const signature = await subtle.sign('Ed25519', privateKey, probe);
    // Some runtimes import an x that is not the public key of d. The signer would refuse every request of such a key.
    if (await subtle.verify('Ed25519', publicKey, signature, probe)) return { privateKey, x };
  } catch {
    // Reported below, without the cause: it may quote the key.
  }
  throw new CountersignError(
    'options_invalid',
    'The key of an agent must be a private Ed25519 key as JWK: {kty, crv, x, d}.',
  );
};
