import type { Network } from '../../protocol/account-id.ts';
import { nameOfNetwork, tokenNetworks } from '../../protocol/x402/networks.ts';
import { usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import { isTestNetwork } from '../../protocol/test-networks.ts';

/** `present`: the network of a configured gateway. @throws CliError usage */
export const askNetwork = async (
  { prompts }: Session,
  input: Input,
  present: Network | undefined,
): Promise<NetworkChoice> => {
  const text =
    input.text('network') ??
    present ??
    (input.flag('yes') ? FIRST[0] : undefined) ??
    (await prompts.choice({
      message: 'On which network do you accept payments?',
      instead: '--network <name>, e.g. base-sepolia',
      options: networkChoices.map(({ network, name, isTest }) => ({
        value: network,
        label: name,
        hint: isTest ? `${network}, test` : network,
      })),
      initial: 'eip155:84532',
    }));
  const network = findNetwork(text);
  if (network !== undefined) return network;
  throw usageError(
    'A gateway accepts no payments on the network of --network.',
    `Use one of ${networkChoices.map(({ name }) => name).join(', ')}.`,
  );
};

/** A network on which a gateway accepts payments. */
export type NetworkChoice = {
  readonly network: Network;
  /** The name in x402, or our own name if x402 has none. */
  readonly name: string;
  readonly isTest: boolean;
  /** A public endpoint for first steps. */
  readonly rpc?: string;
};

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

/** The usual test network, then the network with the most payments. */
const FIRST: readonly [Network, ...Network[]] = ['eip155:84532', 'eip155:8453'];

const networkChoices: readonly NetworkChoice[] = [
  ...FIRST,
  ...tokenNetworks.filter((on) => !FIRST.includes(on)),
].map((on) => ({
  network: on,
  name: nameOfNetwork(on) ?? OTHER_NAMES[on] ?? on,
  isTest: isTestNetwork(on),
  ...(PUBLIC_RPC[on] === undefined ? {} : { rpc: PUBLIC_RPC[on] }),
}));

/** The usual test network. */
export const testNetwork: NetworkChoice = networkChoices[0] as NetworkChoice;

/** By name or CAIP-2 id. */
const findNetwork = (text: string): NetworkChoice | undefined =>
  networkChoices.find(({ network: on, name }) => on === text || name === text.toLowerCase());
