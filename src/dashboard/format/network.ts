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

export const networkName = (network: string): string =>
  NAMES[network] ?? `chain ${network.replace('eip155:', '')}`;
