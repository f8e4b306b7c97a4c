import type { AccountId } from '../../../src/protocol/account-id.ts';
import { seal } from '../../../src/vault/envelope.ts';
import {
  readSecretValue,
  type SealedSecret,
  type SecretBinding,
  type SecretValue,
} from '../../../src/vault/secret.ts';
import { prepareVersion, putInForce } from '../../../src/vault/secret-table.ts';
import { secretHash } from '../../../src/vault/secret.ts';
import { deriveKey, type VaultKey, type VaultKeys } from '../../../src/vault/vault-keys.ts';
import { db } from '../audit/database.ts';

export const OWNER: AccountId = `eip155:84532:0x${'11'.repeat(20)}`;
export const TOKEN = 'sk-live-4f9a/B+c0 d_"x';

export const keyFrom = (byte: number): Promise<VaultKey> =>
  deriveKey(new Uint8Array(32).fill(byte));

/** A Worker secret as an operator sets it, with the key that `keyFrom` derives. */
export const secretOf = (byte: number): string =>
  Buffer.from(new Uint8Array(32).fill(byte)).toString('base64');

export const keysFrom = async (current: number, old?: number): Promise<VaultKeys> => ({
  current: await keyFrom(current),
  old: old === undefined ? undefined : await keyFrom(old),
});

export const valueOf = (json: unknown, kind: SecretBinding['kind'] = 'token'): SecretValue => {
  const read = readSecretValue(kind, json);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
};

export const bindingOf = (changes: Partial<SecretBinding> = {}): SecretBinding => ({
  ...{ owner: OWNER, name: 'weather', version: 1, kind: 'token', host: 'api.example' },
  ...changes,
});

export const sealedOf = async (
  changes: Partial<SecretBinding> = {},
  json: unknown = TOKEN,
  key = 1,
): Promise<SealedSecret> => {
  const binding = bindingOf(changes);
  return await seal(binding, valueOf(json, binding.kind), await keyFrom(key));
};

/** Stores a secret in the database as the current one. */
export const store = async (sealed: SealedSecret, seq = 1): Promise<void> => {
  await prepareVersion(db, sealed, { hint: '', now: 100 });
  const { owner, name } = sealed;
  await db.batch(putInForce(db, { owner, name, hash: secretHash(sealed), seq, at: 100 }));
};
