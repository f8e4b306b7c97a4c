import { expect } from 'vitest';
import { type AgentResponse, type AgentOptions, createAgent } from '../../../src/client/index.ts';
import { fundedAccount, newAccount } from '../../conformance/support/payment.ts';
import type { World } from '../../conformance/support/world.ts';
import { ledgerOf } from './ledger.ts';

const NETWORK = 'eip155:84532';
const nameOf = (address: string) => `${NETWORK}:${address.toLowerCase() as `0x${string}`}` as const;

/** An agent with a fresh key that holds `amount` atomic units, and a record of what it signs. */
export const newCustomer = async (
  world: World,
  amount: bigint,
  options: Partial<AgentOptions> = {},
) => {
  const account = amount > 0n ? await fundedAccount(world, amount) : newAccount();
  const ledger = ledgerOf(account);
  const spend = { perCall: '$0.10', total: '$1' } as const;
  const agent = createAgent({ account: ledger.signer, spend, ...options });
  return { agent, ledger, address: account.address, account: nameOf(account.address) };
};

export const post = (body: object): RequestInit => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: { 'Content-Type': 'application/json' },
});

/** The claims of an answer's receipt, which must have verified. */
export const claimsOf = ({ countersign }: AgentResponse) => {
  const { receipt } = countersign;
  expect(receipt).toMatchObject({ verified: true });
  return receipt?.verified === true ? receipt.claims : undefined;
};
