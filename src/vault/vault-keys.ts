import { decodeBase64, hexOf, utf8 } from '../crypto/bytes.ts';
import { err, ok, type Result } from '../core/result.ts';

/** A Worker secret, or a binding of the Secrets Store. */
export type KeySource = string | { readonly get: () => Promise<string> };

/** A key-encryption key. It cannot be exported from the isolate. */
export type VaultKey = {
  /** The first 8 bytes of a value derived from the key, as hex: tells a wrong key from a damaged row. */
  readonly id: string;
  readonly key: CryptoKey;
};

/** `current` encrypts. Both decrypt, by their id. */
export type VaultKeys = { readonly current: VaultKey; readonly old: VaultKey | undefined };

export type VaultKeyFault = { readonly name: string; readonly reason: string };

const KEY_BYTES = 32;

/**
 * Reads `VAULT_KEY` and `VAULT_KEY_OLD`, each 32 random bytes in base64. A fault names the variable and never contains its value.
 *
 * Derives key and id with HKDF-SHA-256 (RFC 5869), so that the id reveals nothing about the key.
 */
export const readVaultKeys = async (
  env: Readonly<Record<string, unknown>>,
): Promise<Result<VaultKeys, VaultKeyFault>> => {
  const current = await readKey(env, 'VAULT_KEY');
  if (!current.ok) return current;
  if (current.value === undefined) {
    return err({ name: 'VAULT_KEY', reason: 'must be set: 32 random bytes in base64' });
  }
  const old = await readKey(env, 'VAULT_KEY_OLD');
  return old.ok ? ok({ current: current.value, old: old.value }) : old;
};

const readKey = async (
  env: Readonly<Record<string, unknown>>,
  name: string,
): Promise<Result<VaultKey | undefined, VaultKeyFault>> => {
  let text: string;
  try {
    text = (await textOf(env[name] as KeySource | undefined)).trim();
  } catch {
    return err({ name, reason: 'cannot be read from the Secrets Store' });
  }
  if (text === '') return ok(undefined);
  const bytes = decodeBase64(text);
  return bytes?.length === KEY_BYTES
    ? ok(await deriveKey(new Uint8Array(bytes)))
    : err({ name, reason: 'must be 32 random bytes in base64' });
};

/** Reads a Worker secret or a secret of the Secrets Store; empty if it is not set. @throws if the store does not answer */
export const textOf = async (source: KeySource | undefined): Promise<string> =>
  typeof source === 'object' ? await source.get() : (source ?? '');

/** @param secret 32 random bytes */
export const deriveKey = async (secret: Uint8Array<ArrayBuffer>): Promise<VaultKey> => {
  const { subtle } = crypto;
  const base = await subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey', 'deriveBits']);
  const hkdf = (info: string) => ({
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(0),
    info: utf8(info),
  });
  const [key, id] = await Promise.all([
    subtle.deriveKey(hkdf('countersign-kek/1'), base, { name: 'AES-GCM', length: 256 }, false, [
      'encrypt',
      'decrypt',
    ]),
    subtle.deriveBits(hkdf('id'), base, 64),
  ]);
  return { id: hexOf(new Uint8Array(id)).slice(2), key };
};

/** The key of an id; undefined if the gateway does not have it. */
export const keyOf = ({ current, old }: VaultKeys, id: string): VaultKey | undefined =>
  [current, old].find((each) => each?.id === id);
