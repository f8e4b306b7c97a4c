import { HDKey } from '@scure/bip32';
import * as Secp256k1 from 'ox/Secp256k1';
import * as PublicKey from 'ox/PublicKey';
import * as Signature from 'ox/Signature';
import { createBoundedMap } from '../core/bounded-map.ts';
import type { Address, Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { decodeBase64, encodeBase64, hexOf } from '../crypto/bytes.ts';
import { addressOfKey } from '../crypto/verifier.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { open, type OpenFault, seal } from '../vault/envelope.ts';
import type { SecretBinding, Sealed } from '../vault/secret.ts';
import { readVaultKeys, type VaultKeyFault, type VaultKeys } from '../vault/vault-keys.ts';

const SEED_BYTES = 64;
const KEPT_CHILDREN = 1_024;

/** The first level of the path that is free to choose. An owner has one seed, so there is one fleet. */
export const FLEET = 0;

/** BIP-44 with every level hardened: otherwise a leaked child key and the public key of its parent would reveal all siblings. */
export const fleetPath = (child: number): string => `m/44'/60'/${FLEET}'/0'/${child}'`;

/** An encrypted seed in the form of an object's state. */
export type SealedSeed = { readonly kek: string; readonly wrapped: string; readonly body: string };

/** The keys of a fleet. The seed and the private keys never leave it. */
export type FleetKeys = {
  address(child: number): Address;
  /** Signs a digest: 65 bytes, low s, v 27 or 28. Deterministic (RFC 6979), so a repeat gives the same bytes. */
  sign(child: number, digest: Hex): Hex;
};

/** Reads `SIGNER_KEY` and `SIGNER_KEY_OLD`, each 32 random bytes in base64. */
export const readSignerKeys = async (
  env: Readonly<Record<string, unknown>>,
): Promise<Result<VaultKeys, VaultKeyFault>> => {
  const keys = await readVaultKeys({
    VAULT_KEY: env['SIGNER_KEY'],
    VAULT_KEY_OLD: env['SIGNER_KEY_OLD'],
  });
  if (keys.ok) return keys;
  const { name, reason } = keys.error;
  return err({ name: name.replace('VAULT_KEY', 'SIGNER_KEY'), reason });
};

/** A seed is encrypted under its owner: moved to another object it does not open. */
const bindingOf = (owner: AccountId): SecretBinding => ({
  owner,
  name: 'fleet-seed',
  version: 1,
  kind: 'token',
  host: 'signer',
});

/** Makes a seed of 64 random bytes (BIP-32) and encrypts it. */
export const makeSeed = (owner: AccountId, keys: VaultKeys): Promise<SealedSeed> =>
  sealSeed(owner, crypto.getRandomValues(new Uint8Array(SEED_BYTES)), keys);

const sealSeed = async (
  owner: AccountId,
  seed: Uint8Array,
  keys: VaultKeys,
): Promise<SealedSeed> => {
  const value = { kind: 'token', label: '', texts: { value: encodeBase64(seed) } } as const;
  const { kek, wrapped, body } = await seal(bindingOf(owner), value, keys.current);
  return { kek, wrapped: encodeBase64(wrapped), body: encodeBase64(body) };
};

/** Decrypts a seed. The caller must not store, log or return it, except encrypted. */
export const openSeed = async (
  owner: AccountId,
  sealed: SealedSeed,
  keys: VaultKeys,
): Promise<Result<Uint8Array, OpenFault>> => {
  const bytes = (text: string): Sealed['body'] => new Uint8Array(decodeBase64(text) ?? []);
  const opened = await open(
    {
      ...bindingOf(owner),
      kek: sealed.kek,
      wrapped: bytes(sealed.wrapped),
      body: bytes(sealed.body),
    },
    keys,
  );
  if (!opened.ok) return opened;
  const seed = decodeBase64(opened.value.texts['value'] ?? '');
  return seed?.length === SEED_BYTES ? ok(seed) : err('damaged');
};

/** Encrypts a seed with the current key if it is encrypted with the old one. */
export const rewrapSeed = async (
  owner: AccountId,
  sealed: SealedSeed,
  keys: VaultKeys,
): Promise<Result<SealedSeed, OpenFault>> => {
  if (sealed.kek === keys.current.id) return ok(sealed);
  const seed = await openSeed(owner, sealed, keys);
  return seed.ok ? ok(await sealSeed(owner, seed.value, keys)) : seed;
};

/** Opens the keys of a seed. A child takes half a millisecond to derive, so the newest ones stay in memory. */
export const openFleet = (seed: Uint8Array): FleetKeys => {
  const parent = HDKey.fromMasterSeed(seed).derive(fleetPath(0).split('/').slice(0, -1).join('/'));
  const children = createBoundedMap<number, Hex>(KEPT_CHILDREN);
  const privateKey = (child: number): Hex => {
    const known = children.get(child);
    if (known !== undefined) return known;
    const { privateKey: key } = parent.derive(`m/${child}'`);
    if (key === null) throw new Error('a derived key is always private here');
    const made = hexOf(key);
    children.set(child, made);
    return made;
  };
  return {
    address: (child) =>
      addressOfKey(PublicKey.toBytes(Secp256k1.getPublicKey({ privateKey: privateKey(child) }))),
    sign: (child, digest) =>
      Signature.toHex(Secp256k1.sign({ payload: digest, privateKey: privateKey(child) })),
  };
};
