import { network, type Network } from '../account-id.ts';

/** The names of EVM chains in x402 version 1. */
const CHAIN_OF_NAME: Readonly<Record<string, number>> = {
  abstract: 2741,
  'abstract-testnet': 11124,
  avalanche: 43114,
  'avalanche-fuji': 43113,
  base: 8453,
  'base-sepolia': 84532,
  celo: 42220,
  educhain: 41923,
  ethereum: 1,
  flare: 14,
  iotex: 4689,
  megaeth: 4326,
  monad: 143,
  peaq: 3338,
  polygon: 137,
  'polygon-amoy': 80002,
  sei: 1329,
  'sei-testnet': 1328,
  sepolia: 11155111,
  'skale-base-sepolia': 324705682,
  stable: 988,
  'stable-testnet': 2201,
  story: 1514,
};

/** Names that clients on `x402` 1.2.0 reject: that client throws on an offer that holds one, and then pays no entry at all. */
const UNKNOWN_TO_OLD_CLIENTS = new Set([
  'celo',
  'ethereum',
  'flare',
  'megaeth',
  'monad',
  'sepolia',
  'stable',
  'stable-testnet',
]);

const NETWORK_OF_NAME: ReadonlyMap<string, Network> = new Map(
  Object.entries(CHAIN_OF_NAME).map(([name, chainId]) => [name, network(chainId)]),
);
const NAME_OF_NETWORK: ReadonlyMap<Network, string> = new Map(
  [...NETWORK_OF_NAME].map(([name, on]) => [on, name]),
);

/** The CAIP-2 network of a version 1 name. */
export const networkOfName = (name: string): Network | undefined => NETWORK_OF_NAME.get(name);

/** The version 1 name of a network. */
export const nameOfNetwork = (on: Network): string | undefined => NAME_OF_NETWORK.get(on);

/** The version 1 name of a network, or undefined if some version 1 clients reject it in an offer. */
export const offeredName = (on: Network): string | undefined => {
  const name = NAME_OF_NETWORK.get(on);
  return name === undefined || UNKNOWN_TO_OLD_CLIENTS.has(name) ? undefined : name;
};
