/** Names of networks for people. Wallets show the same ones. */
const NAMES: Readonly<Record<string, string>> = {
  'eip155:1': 'Ethereum',
  'eip155:10': 'OP Mainnet',
  'eip155:50': 'XDC',
  'eip155:51': 'XDC Apothem',
  'eip155:137': 'Polygon',
  'eip155:143': 'Monad',
  'eip155:1328': 'Sei Testnet',
  'eip155:1329': 'Sei',
  'eip155:8453': 'Base',
  'eip155:42161': 'Arbitrum One',
  'eip155:42220': 'Celo',
  'eip155:43113': 'Avalanche Fuji',
  'eip155:43114': 'Avalanche',
  'eip155:80002': 'Polygon Amoy',
  'eip155:84532': 'Base Sepolia',
  'eip155:421614': 'Arbitrum Sepolia',
  'eip155:11142220': 'Celo Sepolia',
};

/** The name of a network (CAIP-2); its chain id if the table has no name. */
export const networkName = (network: string): string =>
  NAMES[network] ?? `chain ${network.replace('eip155:', '')}`;
