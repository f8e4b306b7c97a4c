import type { Hex } from '../../core/hex.ts';
import { chainIdOf, type Network } from '../../protocol/account-id.ts';

/** The public block explorer of each chain that a gateway can accept USDC on. */
const EXPLORERS: Readonly<Record<number, string>> = {
  1: 'https://etherscan.io',
  50: 'https://xdcscan.com',
  51: 'https://testnet.xdcscan.com',
  137: 'https://polygonscan.com',
  143: 'https://monadscan.com',
  1328: 'https://testnet.seiscan.io',
  1329: 'https://seiscan.io',
  8453: 'https://basescan.org',
  42161: 'https://arbiscan.io',
  42220: 'https://celoscan.io',
  43113: 'https://testnet.snowtrace.io',
  43114: 'https://snowtrace.io',
  80002: 'https://amoy.polygonscan.com',
  84532: 'https://sepolia.basescan.org',
  421614: 'https://sepolia.arbiscan.io',
  11142220: 'https://sepolia.celoscan.io',
};

/** The page of a transaction at the explorer of its network; undefined for a network without one in the table. */
export const explorerLink = (network: Network, transaction: Hex): string | undefined => {
  const explorer = EXPLORERS[chainIdOf(network) ?? 0];
  return explorer === undefined ? undefined : `${explorer}/tx/${transaction}`;
};
