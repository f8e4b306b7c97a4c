import type { Hex } from '../../core/hex.ts';
import { hexOf } from '../../crypto/bytes.ts';
import type { Keystore } from './keystore.ts';

export type KeyPair = { readonly secret: Uint8Array; readonly address: Hex };

/** 32 bytes and their address in lower case; undefined for bytes that are not a private key of secp256k1. */
export const keyPairOf = async (secret: Uint8Array): Promise<KeyPair | undefined> => {
  const { privateKeyToAddress } = await import('viem/accounts');
  try {
    const address = privateKeyToAddress(hexOf(secret));
    return { secret, address: address.toLowerCase() as Hex };
  } catch {
    return undefined;
  }
};

/** 64 hex digits, with or without `0x`. */
export const parsePrivateKey = async (text: string): Promise<KeyPair | undefined> => {
  const digits = /^(?:0x)?([0-9a-fA-F]{64})$/.exec(text.trim())?.[1];
  return digits === undefined
    ? undefined
    : await keyPairOf(new Uint8Array(Buffer.from(digits, 'hex')));
};

/** Creates a private key and stores it encrypted. @throws CliError if the name is taken */
export const newKey = async (
  keystore: Keystore,
  name: string,
): Promise<{ readonly address: Hex; readonly file: string }> => {
  const { generatePrivateKey } = await import('viem/accounts');
  const pair = await parsePrivateKey(generatePrivateKey());
  if (pair === undefined) throw new Error('the random private key is invalid');
  const { secret, address } = pair;
  const { file } = await keystore.add({ kind: 'key', name, address }, secret);
  return { address, file };
};
