import * as AbiFunction from 'ox/AbiFunction';
import type { Address, Hex } from '../../core/hex.ts';
import type { Pending } from './pending.ts';

/** The address of Multicall3 on every chain that has it. */
export const MULTICALL3: Address = '0xca11bde05977b3631167028862be2a173976ca11';

/** A call of a contract, without its sender. */
export type ContractCall = { readonly to: Address; readonly data: Hex };

/** The verifier of a payer's signature: its key, or the code of its account. */
export type Payer = 'key' | 'contract';

const AUTHORIZATION = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
] as const;

const NAME = {
  type: 'function',
  name: 'transferWithAuthorization',
  stateMutability: 'nonpayable',
  outputs: [],
} as const;

/** EIP-3009. */
const TRANSFER = AbiFunction.from({
  ...NAME,
  inputs: [
    ...AUTHORIZATION,
    { name: 'v', type: 'uint8' },
    { name: 'r', type: 'bytes32' },
    { name: 's', type: 'bytes32' },
  ],
} as const);

/** Overload of FiatToken 2.2, whose signature may be one for ERC-1271. */
const TRANSFER_BYTES = AbiFunction.from({
  ...NAME,
  inputs: [...AUTHORIZATION, { name: 'signature', type: 'bytes' }],
} as const);

const AGGREGATE = AbiFunction.from({
  type: 'function',
  name: 'aggregate3',
  stateMutability: 'payable',
  inputs: [
    {
      name: 'calls',
      type: 'tuple[]',
      components: [
        { name: 'target', type: 'address' },
        { name: 'allowFailure', type: 'bool' },
        { name: 'callData', type: 'bytes' },
      ],
    },
  ],
  outputs: [
    {
      name: 'returnData',
      type: 'tuple[]',
      components: [
        { name: 'success', type: 'bool' },
        { name: 'returnData', type: 'bytes' },
      ],
    },
  ],
} as const);

const ECDSA_DIGITS = 2 + 130;

/** Encodes `transferWithAuthorization`. Signatures that are not 65 bytes go as bytes, for the token to refuse. */
export const transferData = (
  { authorization, signature }: Pick<Pending, 'authorization' | 'signature'>,
  payer: Payer,
): Hex => {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const fields = [from, to, value, validAfter, validBefore, nonce] as const;
  if (payer === 'contract' || signature.length !== ECDSA_DIGITS) {
    return AbiFunction.encodeData(TRANSFER_BYTES, [...fields, signature]);
  }
  const r: Hex = `0x${signature.slice(2, 66)}`;
  const s: Hex = `0x${signature.slice(66, 130)}`;
  const v = Number(`0x${signature.slice(130)}`);
  return AbiFunction.encodeData(TRANSFER, [...fields, v, r, s]);
};

/** Bundles calls into one transaction, in which each may fail alone. */
export const aggregate = (calls: readonly ContractCall[]): ContractCall => ({
  to: MULTICALL3,
  data: AbiFunction.encodeData(AGGREGATE, [
    calls.map(({ to, data }) => ({ target: to, allowFailure: true, callData: data })),
  ]),
});

/** Reads which calls of an `aggregate3` succeeded; undefined if the answer is malformed or for another number of calls. */
export const aggregated = (answer: Hex, calls: number): readonly boolean[] | undefined => {
  try {
    const results = AbiFunction.decodeResult(AGGREGATE, answer);
    return results.length === calls ? results.map(({ success }) => success) : undefined;
  } catch {
    return undefined;
  }
};
