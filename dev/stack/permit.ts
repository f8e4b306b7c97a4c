import { type Address, type Hex, hexToBigInt, type LocalAccount } from 'viem';
import type { Approval, Authorization, Permit, Token } from '../../src/protocol/payment.ts';
import { permit2 } from './permit2/permit2-code.ts';
import { uptoProxy } from './permit2/upto-proxy-code.ts';

/** A signed Permit2 permit of the x402 scheme `upto`. */
export type SignedPermit = {
  readonly authorization: Authorization;
  readonly permit: Permit;
  /** 65 bytes, v 27 or 28. */
  readonly signature: Hex;
};

const chainIdOf = (token: Token): number => Number(token.network.slice('eip155:'.length));

const permitTypes = {
  PermitWitnessTransferFrom: [
    { name: 'permitted', type: 'TokenPermissions' },
    { name: 'spender', type: 'address' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
    { name: 'witness', type: 'Witness' },
  ],
  TokenPermissions: [
    { name: 'token', type: 'address' },
    { name: 'amount', type: 'uint256' },
  ],
  Witness: [
    { name: 'to', type: 'address' },
    { name: 'facilitator', type: 'address' },
    { name: 'validAfter', type: 'uint256' },
  ],
} as const;

/** The typed data of a permit, for viem. */
export const permitTypedData = (
  token: Token,
  { to, value, validAfter, validBefore, nonce }: Authorization,
  { facilitator }: Permit,
) =>
  ({
    domain: { name: 'Permit2', chainId: chainIdOf(token), verifyingContract: permit2 },
    types: permitTypes,
    primaryType: 'PermitWitnessTransferFrom',
    message: {
      permitted: { token: token.address, amount: value },
      spender: uptoProxy,
      nonce: hexToBigInt(nonce),
      deadline: validBefore,
      witness: { to, facilitator, validAfter },
    },
  }) as const;

/** The typed data of the EIP-2612 approval of Permit2 for a permit, for viem. */
export const approvalTypedData = (
  token: Token,
  { from, value }: Authorization,
  { nonce, deadline }: Omit<Approval, 'signature'>,
) =>
  ({
    domain: {
      name: token.name,
      version: token.version,
      chainId: chainIdOf(token),
      verifyingContract: token.address,
    },
    types: {
      Permit: [
        { name: 'owner', type: 'address' },
        { name: 'spender', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
      ],
    },
    primaryType: 'Permit',
    message: {
      owner: from,
      spender: permit2,
      value,
      nonce: BigInt(nonce),
      deadline: BigInt(deadline),
    },
  }) as const;

const lower = (address: Address): Address => address.toLowerCase() as Address;

/** Signs a permit. `value` in atomic units, times in Unix seconds. */
export const signPermit = async (options: {
  readonly account: LocalAccount;
  readonly token: Token;
  readonly to: Address;
  /** The most that may move. */
  readonly value: bigint;
  readonly facilitator: Address;
  readonly validAfter: bigint;
  /** The deadline. */
  readonly validBefore: bigint;
  readonly nonce: Hex;
}): Promise<SignedPermit> => {
  const { account, token, to, value, facilitator, validAfter, validBefore, nonce } = options;
  const authorization = {
    ...{ from: lower(account.address), to: lower(to), value },
    ...{ validAfter, validBefore, nonce },
  };
  const permit = { facilitator: lower(facilitator) };
  const signature = await account.signTypedData(permitTypedData(token, authorization, permit));
  return { authorization, permit, signature };
};

/** Signs the EIP-2612 approval of Permit2 that a permit may carry. */
export const signApproval = async (options: {
  readonly account: LocalAccount;
  readonly token: Token;
  readonly authorization: Authorization;
  /** `nonces(owner)` of the token. */
  readonly nonce: bigint;
  readonly deadline: bigint;
}): Promise<Approval> => {
  const { account, token, authorization } = options;
  const fields = { nonce: options.nonce.toString(), deadline: options.deadline.toString() };
  const signature = await account.signTypedData(approvalTypedData(token, authorization, fields));
  return { ...fields, signature };
};
