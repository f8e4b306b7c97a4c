import { randomBytes } from 'node:crypto';
import { type Address, bytesToHex, type Hex, type LocalAccount } from 'viem';
import type { Authorization, Token } from '../../src/protocol/payment.ts';
import { type ChainClient, usdcAbi } from './chain-access.ts';

/** A signed EIP-3009 transfer. */
export type SignedAuthorization = {
  readonly authorization: Authorization;
  /** 65 bytes, v 27 or 28. */
  readonly signature: Hex;
};

/** Returns 32 random bytes. */
export const randomNonce = (): Hex => bytesToHex(randomBytes(32));

const domainOf = (token: Token) => ({
  name: token.name,
  version: token.version,
  chainId: Number(token.network.slice('eip155:'.length)),
  verifyingContract: token.address as Address,
});

const types = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
  CancelAuthorization: [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

/** Signs an EIP-3009 transfer. `value` in atomic units, times in Unix seconds. */
export const signAuthorization = async (options: {
  readonly account: LocalAccount;
  readonly token: Token;
  readonly to: Address;
  readonly value: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly nonce: Hex;
}): Promise<SignedAuthorization> => {
  const { account, token, to, value, validAfter, validBefore, nonce } = options;
  const message = { from: account.address, to, value, validAfter, validBefore, nonce };
  const signature = await account.signTypedData({
    domain: domainOf(token),
    types,
    primaryType: 'TransferWithAuthorization',
    message,
  });
  const lower = (address: Address) => address.toLowerCase() as Address;
  return { authorization: { ...message, from: lower(account.address), to: lower(to) }, signature };
};

/** Signs the cancellation of an EIP-3009 nonce. */
export const signCancellation = async (options: {
  readonly account: LocalAccount;
  readonly token: Token;
  readonly nonce: Hex;
}): Promise<Hex> =>
  await options.account.signTypedData({
    domain: domainOf(options.token),
    types,
    primaryType: 'CancelAuthorization',
    message: { authorizer: options.account.address, nonce: options.nonce },
  });

type Sender = {
  readonly client: ChainClient;
  readonly sender: LocalAccount;
  readonly token: Token;
};

/** Sends a signed transfer to the chain. Any account with ether may send it. Resolves with the hash once the transaction is in a block. */
export const submitAuthorization = async (
  options: Sender & { readonly signed: SignedAuthorization },
): Promise<Hex> => {
  const { client, sender, token, signed } = options;
  const { from, to, value, validAfter, validBefore, nonce } = signed.authorization;
  const hash = await client.writeContract({
    address: token.address as Address,
    abi: usdcAbi,
    account: sender,
    functionName: 'transferWithAuthorization',
    args: [from, to, value, validAfter, validBefore, nonce, signed.signature],
  });
  await client.waitForTransactionReceipt({ hash });
  return hash;
};

/** Sends a signed cancellation to the chain. Resolves with the hash once the transaction is in a block. */
export const submitCancellation = async (
  options: Sender & { readonly authorizer: Address; readonly nonce: Hex; readonly signature: Hex },
): Promise<Hex> => {
  const { client, sender, token, authorizer, nonce, signature } = options;
  const hash = await client.writeContract({
    address: token.address as Address,
    abi: usdcAbi,
    account: sender,
    functionName: 'cancelAuthorization',
    args: [authorizer, nonce, signature],
  });
  await client.waitForTransactionReceipt({ hash });
  return hash;
};
