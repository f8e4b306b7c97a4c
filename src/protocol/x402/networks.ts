import type { Address } from '../../core/hex.ts';
import { network, type Network } from '../account-id.ts';
import type { Token } from '../payment.ts';

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

type Row = readonly [chainId: number, address: string, name: 'USD Coin' | 'USDC'];

/**
 * USDC by chain, with the name of its EIP-712 domain. The table pins the domain because Circle's contract has no `eip712Domain()`
 * (ERC-5267), and a client must never choose the domain of its own signature. Addresses are those of `@x402/evm` 2.27 and, for the
 * Fuji and Amoy testnets, of `x402` 1.2.0. All have six decimals, version "2" and EIP-3009.
 */
const USDC: readonly Row[] = [
  [1, '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48', 'USD Coin'], // Ethereum
  [50, '0xfa2958cb79b0491cc627c1557f441ef849ca8eb1', 'USDC'], // XDC
  [51, '0xb5ab69f7bbada22b28e79c8ffaece55ef1c771d4', 'USDC'], // XDC Apothem
  [137, '0x3c499c542cef5e3811e1192ce70d8cc03d5c3359', 'USD Coin'], // Polygon
  [143, '0x754704bc059f8c67012fed69bc8a327a5aafb603', 'USDC'], // Monad
  [1328, '0x4fcf1784b31630811181f670aea7a7bef803eaed', 'USDC'], // Sei testnet
  [1329, '0xe15fc38f6d8c56af07bbcbe3baf5708a2bf42392', 'USDC'], // Sei
  [8453, '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913', 'USD Coin'], // Base
  [42161, '0xaf88d065e77c8cc2239327c5edb3a432268e5831', 'USD Coin'], // Arbitrum One
  [42220, '0xceba9300f2b948710d2653dd7b07f33a8b32118c', 'USDC'], // Celo
  [43113, '0x5425890298aed601595a70ab815c96711a31bc65', 'USD Coin'], // Avalanche Fuji
  [43114, '0xb97ef9ef8734c71904d8002f8b6bc66dd9c48a6e', 'USD Coin'], // Avalanche
  [80002, '0x41e94eb019c0762f9bfcf9fb1e58725bfb0e7582', 'USDC'], // Polygon Amoy
  [84532, '0x036cbd53842c5426634e7929541ec2318f3dcf7e', 'USDC'], // Base Sepolia
  [421614, '0x75faf114eafb1bdbe2f0316df893fd58ce46aa4d', 'USD Coin'], // Arbitrum Sepolia
  [11142220, '0x01c5c0122039549ad1493b8220cabedd739bc44e', 'USDC'], // Celo Sepolia
];

const TOKENS: ReadonlyMap<Network, Token> = new Map(
  USDC.map(([chainId, address, name]) => {
    const on = network(chainId);
    return [on, { network: on, address: address as Address, name, version: '2' }];
  }),
);

/** The token for payments on a network, or undefined if the table has none. Six decimals, EIP-3009. */
export const tokenOf = (on: Network): Token | undefined => TOKENS.get(on);

/** The networks with a pinned token. */
export const tokenNetworks: readonly Network[] = [...TOKENS.keys()];
