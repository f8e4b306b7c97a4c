import { keccak_256 } from '@noble/hashes/sha3.js';
import type { Hex } from '../../core/hex.ts';
import { bytesOf, hexOf } from '../../crypto/bytes.ts';
import type { ContractCall } from './calldata.ts';
import type { Fees } from './fees.ts';
import { EMPTY_LIST, rlpItems, rlpList, rlpNumber, rlpString } from './rlp.ts';

/** An EIP-1559 transaction before it is signed. It never carries value or an access list. */
export type Unsigned = ContractCall &
  Fees & {
    readonly chainId: number;
    readonly nonce: number;
    /** Gas limit. */
    readonly gas: bigint;
  };

/** Of a transaction: `yParity` says which of two keys it is. */
export type TransactionSignature = {
  readonly r: bigint;
  readonly s: bigint;
  readonly yParity: number;
};

/** EIP-2718's type of EIP-1559. */
const TYPE = '02';
const SIGNED_FIELDS = 12;
/** Sends no money of its own. */
const VALUE = 0n;

const fieldsOf = (unsigned: Unsigned): readonly string[] => [
  rlpNumber(unsigned.chainId),
  rlpNumber(unsigned.nonce),
  rlpNumber(unsigned.maxPriorityFeePerGas),
  rlpNumber(unsigned.maxFeePerGas),
  rlpNumber(unsigned.gas),
  rlpString(unsigned.to.slice(2)),
  rlpNumber(VALUE),
  rlpString(unsigned.data.slice(2)),
  EMPTY_LIST,
];

/** What a key signs. */
export const signPayload = (unsigned: Unsigned): Hex =>
  hashOf(`0x${TYPE}${rlpList(fieldsOf(unsigned))}`);

/** As it is broadcast. */
export const serialize = (unsigned: Unsigned, { r, s, yParity }: TransactionSignature): Hex => {
  const signature = [yParity, r, s].map(rlpNumber);
  return `0x${TYPE}${rlpList([...fieldsOf(unsigned), ...signature])}`;
};

/** The hash of a serialized transaction. */
export const hashOf = (raw: Hex): Hex => hexOf(keccak_256(bytesOf(raw)));

/**
 * What a serialized transaction says; undefined when it is not a signed one of our kind in its one encoding. The same fields with the
 * same signature give the same bytes, so nothing can be in between: neither value, nor an access list, nor a length said otherwise.
 */
export const deserialize = (
  raw: Hex,
): { readonly unsigned: Unsigned; readonly signature: TransactionSignature } | undefined => {
  const items = rlpItems(raw.slice(2 + TYPE.length), SIGNED_FIELDS);
  if (items.length !== SIGNED_FIELDS) return undefined;
  const [chainId, nonce, tip, fee, gas, to, , data, , yParity, r, s] = items as Fields;
  const unsigned: Unsigned = {
    chainId: Number(numberOf(chainId)),
    nonce: Number(numberOf(nonce)),
    maxPriorityFeePerGas: numberOf(tip),
    maxFeePerGas: numberOf(fee),
    gas: numberOf(gas),
    to: `0x${to}`,
    data: `0x${data}`,
  };
  const signature = { yParity: Number(numberOf(yParity)), r: numberOf(r), s: numberOf(s) };
  return serialize(unsigned, signature) === raw ? { unsigned, signature } : undefined;
};

type Fields = readonly [
  ...[string, string, string, string, string, string],
  ...[string, string, string, string, string, string],
];

const numberOf = (digits: string): bigint => BigInt(`0x${digits || '0'}`);
