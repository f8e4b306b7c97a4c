import type { Network } from './account-id.ts';

/** The known public block explorers. A URL from data would be a link that another party chose. */
const EXPLORERS: Readonly<Record<Network, string>> = {
  'eip155:1': 'https://etherscan.io',
  'eip155:10': 'https://optimistic.etherscan.io',
  'eip155:50': 'https://xdcscan.com',
  'eip155:51': 'https://testnet.xdcscan.com',
  'eip155:137': 'https://polygonscan.com',
  'eip155:143': 'https://monadscan.com',
  'eip155:1328': 'https://testnet.seiscan.io',
  'eip155:1329': 'https://seiscan.io',
  'eip155:8453': 'https://basescan.org',
  'eip155:42161': 'https://arbiscan.io',
  'eip155:42220': 'https://celoscan.io',
  'eip155:43113': 'https://testnet.snowtrace.io',
  'eip155:43114': 'https://snowtrace.io',
  'eip155:80002': 'https://amoy.polygonscan.com',
  'eip155:84532': 'https://sepolia.basescan.org',
  'eip155:421614': 'https://sepolia.arbiscan.io',
  'eip155:11142220': 'https://sepolia.celoscan.io',
};

/** The page of a transaction at the explorer of its network; undefined for a network without one in the table. */
export const explorerLink = (network: string, transaction: string): string | undefined => {
  const explorer = EXPLORERS[network as Network];
  return explorer === undefined ? undefined : `${explorer}/tx/${transaction}`;
};
