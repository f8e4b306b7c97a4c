import { err, ok, type Result } from '../core/result.ts';
import { utf8 } from '../crypto/bytes.ts';
import {
  parseSecretText,
  type SealedSecret,
  type SecretBinding,
  secretText,
  type SecretValue,
} from './secret.ts';
import { keyOf, type VaultKey, type VaultKeys } from './vault-keys.ts';

/**
 * Envelope encryption: a random data key for each version, AES-256-GCM, wrapped by the key-encryption key with AES-256-GCM. Both carry the
 * binding as associated data. AES-KW has none, so a wrapped key could be moved to another secret.
 */

const IV = 12;
const TAG = 16;
const DATA_KEY = 32;
/** The value is padded to a multiple of this, so that its length says little. */
const BLOCK = 64;
const LENGTH = 4;

/** `locked`: neither key-encryption key belongs to the row. `damaged`: the row was altered or moved. */
export type OpenFault = 'locked' | 'damaged';

/** Encrypts a value under a new data key. */
export const seal = async (
  binding: SecretBinding,
  value: SecretValue,
  vaultKey: VaultKey,
): Promise<SealedSecret> => {
  const associated = associatedData(binding, vaultKey.id);
  const dataKey = crypto.getRandomValues(new Uint8Array(DATA_KEY));
  const key = await crypto.subtle.importKey('raw', dataKey, 'AES-GCM', false, ['encrypt']);
  const wrapped = await encrypt(vaultKey.key, dataKey, associated);
  const body = await encrypt(key, padded(utf8(secretText(value))), associated);
  dataKey.fill(0);
  const { owner, name, version, kind, host } = binding;
  return { owner, name, version, kind, host, kek: vaultKey.id, wrapped, body };
};

/** Decrypts a value. About 7 µs in workerd, so no isolate keeps plain values between calls. */
export const open = async (
  sealed: SealedSecret,
  keys: VaultKeys,
): Promise<Result<SecretValue, OpenFault>> => {
  const vaultKey = keyOf(keys, sealed.kek);
  if (vaultKey === undefined) return err('locked');
  // WebCrypto also takes longer IVs: the lengths are part of the format.
  if (sealed.wrapped.length !== IV + DATA_KEY + TAG || sealed.body.length < IV + BLOCK + TAG) {
    return err('damaged');
  }
  try {
    const associated = associatedData(sealed, sealed.kek);
    const dataKey = await decrypt(vaultKey.key, sealed.wrapped, associated);
    const key = await crypto.subtle.importKey('raw', dataKey, 'AES-GCM', false, ['decrypt']);
    const text = unpadded(await decrypt(key, sealed.body, associated));
    return ok(parseSecretText(sealed.kind, text));
  } catch {
    // WebCrypto gives no reason, and none may be reported.
    return err('damaged');
  }
};

/** @throws Error for a line feed in a field, with which two bindings could have one text */
const associatedData = (
  { owner, name, version, kind, host }: SecretBinding,
  kek: string,
): Uint8Array<ArrayBuffer> => {
  const fields = [owner, name, version.toString(), kind, host, kek];
  if (fields.some((field) => field.includes('\n'))) throw new Error('a field has a line feed');
  return new Uint8Array(utf8(`countersign-secret/1\n${fields.join('\n')}`));
};

const encrypt = async (
  key: CryptoKey,
  plain: Uint8Array<ArrayBuffer>,
  additionalData: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> => {
  const iv = crypto.getRandomValues(new Uint8Array(IV));
  const encrypted = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData },
    key,
    plain,
  );
  const whole = new Uint8Array(IV + encrypted.byteLength);
  whole.set(iv);
  whole.set(new Uint8Array(encrypted), IV);
  return whole;
};

/** @throws OperationError for another key, associated data or tag */
const decrypt = async (
  key: CryptoKey,
  whole: Uint8Array<ArrayBuffer>,
  additionalData: Uint8Array<ArrayBuffer>,
): Promise<ArrayBuffer> =>
  await crypto.subtle.decrypt(
    { name: 'AES-GCM', iv: whole.subarray(0, IV), additionalData },
    key,
    whole.subarray(IV),
  );

/** Four bytes of length, the text, zeros. */
const padded = (text: Uint8Array): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(Math.ceil((LENGTH + text.length) / BLOCK) * BLOCK);
  new DataView(bytes.buffer).setUint32(0, text.length);
  bytes.set(text, LENGTH);
  return bytes;
};

/** @throws RangeError or TypeError for other bytes */
const unpadded = (bytes: ArrayBuffer): string => {
  const length = new DataView(bytes).getUint32(0);
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
    new Uint8Array(bytes, LENGTH, length),
  );
};
