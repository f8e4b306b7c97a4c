import { network, type Network } from '../../protocol/account-id.ts';
import { nameOfNetwork } from '../../protocol/x402/networks.ts';
import { tokenNetworks } from '../../protocol/x402/tokens.ts';

/** A network that can be paid on, as `init` offers it. */
export type NetworkChoice = {
  readonly network: Network;
  /** As x402 calls it, where it does. */
  readonly name: string;
  readonly isTest: boolean;
  /** A public endpoint, to begin with. */
  readonly rpc?: string;
};

const TESTS = new Set([51, 1328, 43113, 80002, 84532, 421614, 11142220].map(network));

const OTHER_NAMES: Readonly<Record<Network, string>> = {
  'eip155:50': 'xdc',
  'eip155:51': 'xdc-apothem',
  'eip155:42161': 'arbitrum',
  'eip155:421614': 'arbitrum-sepolia',
  'eip155:11142220': 'celo-sepolia',
};

const PUBLIC_RPC: Readonly<Record<Network, string>> = {
  'eip155:84532': 'https://sepolia.base.org',
  'eip155:8453': 'https://mainnet.base.org',
};

/** First the one to try things on, then the one most are paid on. */
const FIRST: readonly Network[] = ['eip155:84532', 'eip155:8453'];

export const networkChoices: readonly NetworkChoice[] = [
  ...FIRST,
  ...tokenNetworks.filter((on) => !FIRST.includes(on)),
].map((on) => ({
  network: on,
  name: nameOfNetwork(on) ?? OTHER_NAMES[on] ?? on,
  isTest: TESTS.has(on),
  ...(PUBLIC_RPC[on] === undefined ? {} : { rpc: PUBLIC_RPC[on] }),
}));

/** By name or CAIP-2. */
export const findNetwork = (text: string): NetworkChoice | undefined =>
  networkChoices.find(({ network: on, name }) => on === text || name === text.toLowerCase());

/** A facilitator that wants no account, to begin with; the first settles on Base Sepolia only. */
export const usualFacilitator = (on: Network): string =>
  on === 'eip155:84532' ? 'https://x402.org/facilitator' : 'https://facilitator.payai.network';
