import { ExactEvmScheme } from '@x402/evm/exact/client';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import type { Address, Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { type Agent, createAgent } from '../../src/client/index.ts';
import { newWire, type Wire } from './wire.ts';

/** Clients of one key. */
export type Wallet = {
  readonly address: Address;
  readonly wire: Wire;
  /** Countersign's client with low caps. */
  readonly agent: Agent;
  /** Countersign's client with caps so high that only the gateway's limits apply. */
  readonly careless: Agent;
  /** The official x402 client without any extension. */
  readonly stock: (url: string, init: RequestInit) => Promise<Response>;
};

/** Opens the clients of a private key. All their requests pass one wire. */
export const openWallet = (privateKey: Hex, through: typeof fetch = fetch): Wallet => {
  const account = privateKeyToAccount(privateKey);
  const wire = newWire(through);
  return {
    address: account.address,
    wire,
    agent: createAgent({
      account,
      spend: { perCall: '$0.05', total: '$1.00' },
      fetch: wire.fetch,
    }),
    careless: createAgent({
      account,
      spend: { perCall: '$1000.00', total: '$1000.00' },
      fetch: wire.fetch,
    }),
    stock: wrapFetchWithPaymentFromConfig(wire.fetch, {
      schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(account) }],
    }),
  };
};
