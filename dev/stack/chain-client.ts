import { createTestClient, http, publicActions, walletActions } from 'viem';
import { baseSepolia } from 'viem/chains';

/** Chain id of the local chain. It is Base Sepolia's, so that clients need no configuration. */
export const CHAIN_ID = 84532;

/**
 * Creates a viem client of the local chain with public, wallet and anvil actions. It polls every 50 ms: with viem's default of four
 * seconds, polling would dominate the time of a settlement.
 */
export const chainClient = (rpc: string) =>
  createTestClient({
    mode: 'anvil',
    chain: baseSepolia,
    transport: http(rpc),
    pollingInterval: 50,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(walletActions);

export type ChainClient = ReturnType<typeof chainClient>;
