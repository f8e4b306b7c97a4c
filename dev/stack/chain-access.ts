import type { Address } from 'viem';
import { type ChainClient, chainClient, CHAIN_ID } from './chain-client.ts';
import { mint } from './faucet.ts';
import { usdc, usdcBalance } from './usdc.ts';

/** A running local chain. Any process that knows its URL can use it. */
export type ChainAccess = {
  readonly rpc: string;
  readonly chainId: number;
  /** Address of USDC. */
  readonly usdc: Address;
  /** viem client with public, wallet and anvil actions, polling every 50 ms. */
  readonly client: ChainClient;
  /** Mints atomic units of USDC to an account; resolves when the transaction is in a block. */
  readonly fund: (address: Address, amount: bigint) => Promise<void>;
  /** USDC of an account in atomic units, at the latest block. */
  readonly balanceOf: (address: Address) => Promise<bigint>;
};

/** Connects to a local chain that another process started, e.g. the `rpc` of `.dev/stack.json`. */
export const connectChain = (rpc: string): ChainAccess => {
  const client = chainClient(rpc);
  return {
    rpc,
    chainId: CHAIN_ID,
    usdc: usdc.address,
    client,
    fund: async (address, amount) => await mint(client, address, amount),
    balanceOf: async (address) => await usdcBalance(client, address),
  };
};
