import { type Hex, parseEther } from 'viem';
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { inject } from 'vitest';
import { connectChain, usdc } from '../../../dev/stack/chain-access.ts';
import { randomNonce, signAuthorization } from '../../../dev/stack/authorization.ts';
import type { Address } from '../../../src/core/hex.ts';
import type { Authorization, Payment } from '../../../src/protocol/payment.ts';

export const rpc = inject('rpc');
export const facilitator = inject('facilitator');
export const chain = connectChain(rpc);
export const payTo = inject('people').payTo.toLowerCase() as Address;
export const evidence = { urls: [rpc], confirmations: 1 } as const;

/** A new account with USDC for payments, and ether for its own transactions. */
export const freshPayer = async (funds = 10_000n): Promise<PrivateKeyAccount> => {
  const account = privateKeyToAccount(generatePrivateKey());
  await chain.client.setBalance({ address: account.address, value: parseEther('1') });
  if (funds > 0n) await chain.fund(account.address, funds);
  return account;
};

/** A payment of 1000 units to the gateway, signed with a real key and valid for an hour. */
export const signPayment = async (
  account: PrivateKeyAccount,
  changes: Partial<Omit<Authorization, 'from'>> = {},
): Promise<Payment> => {
  const signed = await signAuthorization({
    account,
    token: usdc,
    to: changes.to ?? payTo,
    value: changes.value ?? 1_000n,
    validAfter: changes.validAfter ?? 0n,
    validBefore: changes.validBefore ?? BigInt(Math.floor(Date.now() / 1000) + 3_600),
    nonce: changes.nonce ?? randomNonce(),
  });
  return { token: usdc, ...signed, maxTimeoutSeconds: 3_600 };
};

export const headBlock = async (): Promise<number> => Number(await chain.client.getBlockNumber());

/** Waits until a transaction is in a block, and returns its hash. */
export const mined = async (hash: Hex): Promise<Hex> => {
  const receipt = await chain.client.waitForTransactionReceipt({ hash });
  if (receipt.status !== 'success') throw new Error(`transaction ${hash} reverted`);
  return hash;
};
