import * as AbiFunction from 'ox/AbiFunction';
import type { Hex } from '../../core/hex.ts';
import type { Payment } from '../../protocol/payment.ts';
import { UPTO_PROXY } from '../../protocol/x402/permit2.ts';
import type { ContractCall } from './calldata.ts';

const SETTLEMENT = [
  {
    name: 'permit',
    type: 'tuple',
    components: [
      {
        name: 'permitted',
        type: 'tuple',
        components: [
          { name: 'token', type: 'address' },
          { name: 'amount', type: 'uint256' },
        ],
      },
      { name: 'nonce', type: 'uint256' },
      { name: 'deadline', type: 'uint256' },
    ],
  },
  { name: 'amount', type: 'uint256' },
  { name: 'owner', type: 'address' },
  {
    name: 'witness',
    type: 'tuple',
    components: [
      { name: 'to', type: 'address' },
      { name: 'facilitator', type: 'address' },
      { name: 'validAfter', type: 'uint256' },
    ],
  },
  { name: 'signature', type: 'bytes' },
] as const;

const NONPAYABLE = { type: 'function', stateMutability: 'nonpayable', outputs: [] } as const;

const SETTLE = AbiFunction.from({ ...NONPAYABLE, name: 'settle', inputs: SETTLEMENT } as const);

const SETTLE_WITH_PERMIT = AbiFunction.from({
  ...NONPAYABLE,
  name: 'settleWithPermit',
  inputs: [
    {
      name: 'permit2612',
      type: 'tuple',
      components: [
        { name: 'value', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
        { name: 'r', type: 'bytes32' },
        { name: 's', type: 'bytes32' },
        { name: 'v', type: 'uint8' },
      ],
    },
    ...SETTLEMENT,
  ],
} as const);

/** Encodes the settlement of a permit: `settle` of the proxy, or `settleWithPermit` if it carries an approval of Permit2. */
export const settleData = ({
  token,
  authorization,
  signature,
  permit,
  charge,
}: Pick<Payment, 'token' | 'authorization' | 'signature' | 'permit' | 'charge'>): Hex => {
  if (permit === undefined) throw new TypeError('not a permit');
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const { facilitator, approval } = permit;
  const settlement = [
    {
      permitted: { token: token.address, amount: value },
      nonce: BigInt(nonce),
      deadline: validBefore,
    },
    charge ?? value,
    from,
    { to, facilitator, validAfter },
    signature,
  ] as const;
  if (approval === undefined) return AbiFunction.encodeData(SETTLE, settlement);
  const r: Hex = `0x${approval.signature.slice(2, 66)}`;
  const s: Hex = `0x${approval.signature.slice(66, 130)}`;
  const v = Number(`0x${approval.signature.slice(130)}`);
  const permit2612 = { value, deadline: BigInt(approval.deadline), r, s, v };
  return AbiFunction.encodeData(SETTLE_WITH_PERMIT, [permit2612, ...settlement]);
};

/** The call that settles a permit. Only `permit.facilitator` can send it. */
export const settleCall = (payment: Parameters<typeof settleData>[0]): ContractCall => ({
  to: UPTO_PROXY,
  data: settleData(payment),
});
