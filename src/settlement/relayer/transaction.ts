import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { Address, Hex } from '../../core/hex.ts';
import { bytesOf, hexOf } from '../../crypto/bytes.ts';
import { addressOfKey, recoverStrict } from '../../crypto/verifier.ts';
import {
  deserialize,
  hashOf,
  serialize,
  signPayload,
  type TransactionSignature,
  type Unsigned,
} from './envelope.ts';

/** As it is broadcast. */
export type Signed = { readonly hash: Hex; readonly raw: Hex };

/** The address of a private key. */
export const addressOfPrivateKey = (key: Hex): Address =>
  addressOfKey(secp256k1.getPublicKey(bytesOf(key), false));

export const signTransaction = (unsigned: Unsigned, key: Hex): Signed => {
  const bytes = secp256k1.sign(bytesOf(signPayload(unsigned)), bytesOf(key), {
    prehash: false,
    format: 'recovered',
  });
  const raw = serialize(unsigned, {
    r: BigInt(hexOf(bytes.subarray(1, 33))),
    s: BigInt(hexOf(bytes.subarray(33, 65))),
    yParity: bytes[0] ?? 0,
  });
  return { raw, hash: hashOf(raw) };
};

/**
 * Reads what a signer gave back, and takes it only if it is the very transaction that was asked for, in its one encoding,
 * signed by the very key. A signer that answers with something else may have been asked by somebody else.
 */
export const readSigned = (raw: Hex, asked: Unsigned, address: Address): Signed | undefined => {
  try {
    const read = deserialize(raw);
    // Stops a signer that was made to sign something else: the fields that were asked for, with its signature, must give its bytes.
    if (read === undefined || serialize(asked, read.signature) !== raw) return undefined;
    if (signerOf(asked, read.signature) !== address) return undefined;
    return { raw, hash: hashOf(raw) };
  } catch {
    return undefined;
  }
};

const signerOf = (
  unsigned: Unsigned,
  { r, s, yParity }: TransactionSignature,
): Address | undefined => {
  const text = `0x${word(r)}${word(s)}${(27 + yParity).toString(16)}`;
  const signer = recoverStrict(signPayload(unsigned), text);
  return signer.ok ? signer.value : undefined;
};

const readOwn = (raw: Hex): NonNullable<ReturnType<typeof deserialize>> => {
  const read = deserialize(raw);
  if (read === undefined) throw new Error('not a transaction of the relayer');
  return read;
};

/** Who signed a raw transaction of our own. @throws Error when it is none */
export const senderOf = (raw: Hex): Address | undefined => {
  const { unsigned, signature } = readOwn(raw);
  return signerOf(unsigned, signature);
};

/** The transaction in a raw one of our own. @throws Error when it is none */
export const readUnsigned = (raw: Hex): Unsigned => readOwn(raw).unsigned;

/** As `eth_signTransaction` takes it. */
export const signRequest = (
  { to, data, ...numbers }: Unsigned,
  from: Address,
): Readonly<Record<string, unknown>> => ({
  type: '0x2',
  from,
  to,
  value: '0x0',
  ...(data === '0x' ? {} : { data }),
  ...Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, `0x${value.toString(16)}`]),
  ),
});

const word = (value: bigint): string => value.toString(16).padStart(64, '0');
