/** Names of networks for people. Others are shown by their chain id. */
const NAMES: Readonly<Record<string, string>> = {
  'eip155:1': 'Ethereum',
  'eip155:10': 'OP Mainnet',
  'eip155:137': 'Polygon',
  'eip155:8453': 'Base',
  'eip155:42161': 'Arbitrum One',
  'eip155:43114': 'Avalanche',
  'eip155:84532': 'Base Sepolia',
};

/** Explorers that we know. A URL from data would be a link that somebody else chose. */
const EXPLORERS: Readonly<Record<string, string>> = {
  'eip155:1': 'https://etherscan.io',
  'eip155:10': 'https://optimistic.etherscan.io',
  'eip155:137': 'https://polygonscan.com',
  'eip155:8453': 'https://basescan.org',
  'eip155:42161': 'https://arbiscan.io',
  'eip155:43114': 'https://snowtrace.io',
  'eip155:84532': 'https://sepolia.basescan.org',
};

export const networkName = (network: string): string =>
  NAMES[network] ?? `chain ${network.replace('eip155:', '')}`;

/** The page of a transaction; undefined for a chain whose explorer we do not know. */
export const transactionUrl = (network: string, transaction: string): string | undefined => {
  const explorer = EXPLORERS[network];
  return explorer === undefined ? undefined : `${explorer}/tx/${transaction}`;
};
