import { keccakOfBytes } from '#keccak';
import { publicKeyOf, signDigest } from '#private-key';
import * as Signature from 'ox/Signature';
import * as Envelope from 'ox/TxEnvelopeEip1559';
import type { Address, Hex } from '../../core/hex.ts';
import { bytesOf, hexOf } from '../../crypto/bytes.ts';
import { addressOfKey, recoverStrict } from '../../crypto/verifier.ts';
import type { ContractCall } from './calldata.ts';
import type { Fees } from './fees.ts';

/** An EIP-1559 transaction before it is signed. It carries neither value nor an access list. */
export type UnsignedTransaction = ContractCall &
  Fees & {
    readonly chainId: number;
    readonly nonce: number;
    /** Gas limit. */
    readonly gas: bigint;
  };

/** A transaction as it is broadcast. */
export type SignedTransaction = { readonly hash: Hex; readonly raw: Hex };

const envelopeOf = ({ nonce, ...rest }: UnsignedTransaction) =>
  Envelope.from({ ...rest, nonce: BigInt(nonce), value: 0n });

const serialize = (unsigned: UnsignedTransaction, signature: Signature.Signature): Hex =>
  Envelope.serialize(Envelope.from(envelopeOf(unsigned), { signature }));

const hashOf = (raw: Hex): Hex => `0x${keccakOfBytes(bytesOf(raw))}`;

const signedFrom = (raw: Hex): SignedTransaction => ({ raw, hash: hashOf(raw) });

/** The transaction fields that the sender signs (EIP-1559). */
const digestOf = (unsigned: UnsignedTransaction): Hex =>
  hashOf(Envelope.serialize(envelopeOf(unsigned)));

/** Returns the account of a private key. @throws Error for bytes that are not a private key. */
export const addressOfPrivateKey = (privateKey: Hex): Address =>
  addressOfKey(publicKeyOf(bytesOf(privateKey)));

/** Signs a transaction with a private key. */
export const signTransaction = (
  unsigned: UnsignedTransaction,
  privateKey: Hex,
): SignedTransaction => {
  const signature = signDigest(bytesOf(digestOf(unsigned)), bytesOf(privateKey));
  const r = hexOf(signature.subarray(1, 33));
  const s = hexOf(signature.subarray(33));
  return signedFrom(serialize(unsigned, { r, s, yParity: signature[0] ?? 0 }));
};

/** Recovers who signed a transaction; undefined if the signature breaks the strict rules, by which nodes would reject it (EIP-2). */
const signerOf = (
  unsigned: UnsignedTransaction,
  signature: Signature.Signature,
): Address | undefined => {
  const signer = recoverStrict(digestOf(unsigned), Signature.toHex(signature));
  return signer.ok ? signer.value : undefined;
};

/**
 * Reads a signed transaction. Serializing the result must give the same bytes again. Otherwise the transaction contains parts that
 * `UnsignedTransaction` has no field for (value, access list), or is not canonical RLP.
 *
 * @throws Error for anything else.
 */
const read = (
  raw: Hex,
): { readonly unsigned: UnsignedTransaction; readonly signature: Signature.Signature } => {
  const {
    chainId,
    to,
    nonce = 0n,
    gas = 0n,
    data = '0x',
    maxFeePerGas = 0n,
    maxPriorityFeePerGas = 0n,
    r,
    s,
    yParity,
  } = Envelope.deserialize(raw as Envelope.Serialized);
  if (to === undefined || to === null || !r || !s || yParity === undefined)
    throw new Error(NOT_OURS);
  const unsigned = {
    chainId,
    nonce: Number(nonce),
    to,
    data,
    gas,
    maxFeePerGas,
    maxPriorityFeePerGas,
  };
  const signature = { r, s, yParity };
  if (serialize(unsigned, signature) !== raw) throw new Error(NOT_OURS);
  return { unsigned, signature };
};
const NOT_OURS = 'not a transaction of the relayer';

/**
 * Checks the answer of a remote signer: it must be the requested transaction, in its one encoding, signed by the expected key.
 *
 * Attack: a compromised signer returns a different transaction, e.g. one with value.
 */
export const readSigned = (
  raw: Hex,
  requested: UnsignedTransaction,
  address: Address,
): SignedTransaction | undefined => {
  try {
    const { signature } = read(raw);
    const isRequested = serialize(requested, signature) === raw;
    return isRequested && signerOf(requested, signature) === address ? signedFrom(raw) : undefined;
  } catch {
    return undefined;
  }
};

/** Returns the fields of a raw transaction of the relayer. @throws Error for other bytes. */
export const readUnsigned = (raw: Hex): UnsignedTransaction => read(raw).unsigned;

/** Returns the parameter of `eth_signTransaction`. A transaction without data has no `data`: not every signer reads an empty one. */
export const signRequest = (
  unsigned: UnsignedTransaction,
  from: Address,
): Readonly<Record<string, unknown>> => {
  const { data, ...request } = Envelope.toRpc(envelopeOf(unsigned));
  return { ...request, ...(data === '0x' ? {} : { data }), from };
};
