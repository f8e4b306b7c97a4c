import { createTestClient, http, publicActions, walletActions } from 'viem';
import { baseSepolia } from 'viem/chains';

/** Chain id of the local chain: Base Sepolia's, so that clients need no setting of their own. */
export const CHAIN_ID = 84532;

/**
 * A viem client of the local chain with public, wallet and anvil actions.
 * Polls every 50 ms: viem's four seconds would be most of the time of a settlement.
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
