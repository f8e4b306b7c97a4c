import { secp256k1 } from '@noble/curves/secp256k1.js';
import * as Envelope from 'ox/TxEnvelopeEip1559';
import type { Address, Hex } from '../../core/account-id.ts';
import { bytesOf, hexOf } from '../../crypto/bytes.ts';
import { addressOfKey, recoverStrict } from '../../crypto/verifier.ts';
import type { ContractCall } from './calldata.ts';
import type { Fees } from './fees.ts';

/** An EIP-1559 transaction before it is signed. It never carries value or an access list. */
export type Unsigned = ContractCall &
  Fees & {
    readonly chainId: number;
    readonly nonce: number;
    /** Gas limit. */
    readonly gas: bigint;
  };

/** As it is broadcast. */
export type Signed = { readonly hash: Hex; readonly raw: Hex };

const envelopeOf = ({ nonce, data, ...rest }: Unsigned) =>
  Envelope.from({ ...rest, nonce: BigInt(nonce), ...(data === '0x' ? {} : { data }), value: 0n });

/** The address of a private key. */
export const addressOfPrivateKey = (key: Hex): Address =>
  addressOfKey(secp256k1.getPublicKey(bytesOf(key), false));

export const signTransaction = (unsigned: Unsigned, key: Hex): Signed => {
  const envelope = envelopeOf(unsigned);
  const bytes = secp256k1.sign(bytesOf(Envelope.getSignPayload(envelope)), bytesOf(key), {
    prehash: false,
    format: 'recovered',
  });
  const signature = {
    r: BigInt(hexOf(bytes.subarray(1, 33))),
    s: BigInt(hexOf(bytes.subarray(33, 65))),
    yParity: bytes[0] ?? 0,
  };
  const raw = Envelope.serialize(envelope, { signature });
  return { raw, hash: Envelope.hash(Envelope.from(envelope, { signature })) };
};

/**
 * Reads what a signer gave back, and takes it only if it is the very transaction that was asked for, in its one encoding,
 * signed by the very key. A signer that answers with something else may have been asked by somebody else.
 */
export const readSigned = (raw: Hex, asked: Unsigned, address: Address): Signed | undefined => {
  try {
    const envelope = envelopeOf(asked);
    const { r, s, yParity } = Envelope.deserialize(raw as Envelope.Serialized);
    if (r === undefined || s === undefined || yParity === undefined) return undefined;
    const signature = { r, s, yParity };
    // The same fields with the same signature give the same bytes, whatever was in between.
    if (Envelope.serialize(envelope, { signature }) !== raw) return undefined;
    if (signerOf(envelope, signature) !== address) return undefined;
    return { raw, hash: Envelope.hash(Envelope.from(envelope, { signature })) };
  } catch {
    return undefined;
  }
};

const signerOf = (
  envelope: Envelope.TxEnvelopeEip1559,
  { r, s, yParity }: { readonly r: bigint; readonly s: bigint; readonly yParity: number },
): Address | undefined => {
  const text = `0x${word(r)}${word(s)}${(27 + yParity).toString(16)}`;
  const signer = recoverStrict(Envelope.getSignPayload(envelope), text);
  return signer.ok ? signer.value : undefined;
};

/** Who signed a raw transaction of our own. @throws Error when it is none */
export const senderOf = (raw: Hex): Address | undefined => {
  const { r, s, yParity, ...envelope } = Envelope.deserialize(raw as Envelope.Serialized);
  return r === undefined || s === undefined || yParity === undefined
    ? undefined
    : signerOf(envelope, { r, s, yParity });
};

/** The transaction in a raw one of our own. @throws Error when it is none */
export const readUnsigned = (raw: Hex): Unsigned => {
  const envelope = Envelope.deserialize(raw as Envelope.Serialized);
  return {
    chainId: envelope.chainId,
    nonce: Number(envelope.nonce ?? 0n),
    to: (envelope.to ?? '0x') as Address,
    data: envelope.data ?? '0x',
    gas: envelope.gas ?? 0n,
    maxFeePerGas: envelope.maxFeePerGas ?? 0n,
    maxPriorityFeePerGas: envelope.maxPriorityFeePerGas ?? 0n,
  };
};

/** As `eth_signTransaction` takes it. */
export const signRequest = (
  unsigned: Unsigned,
  from: Address,
): Readonly<Record<string, unknown>> => ({
  ...Envelope.toRpc(envelopeOf(unsigned)),
  from,
});

const word = (value: bigint): string => value.toString(16).padStart(64, '0');
