import { readFacilitators } from '../../backend-settings.ts';
import { type Address, ZERO_ADDRESS } from '../../core/hex.ts';
import { parseAddress } from '../../crypto/address.ts';
import type { Setting } from '../../json-setting.ts';
import { network, type Network } from '../../protocol/account-id.ts';
import { egressFault, type EgressReach } from '../../protocol/egress-url.ts';
import { nameOfNetwork, tokenNetworks } from '../../protocol/x402/networks.ts';
import { readAudiences, readOperators } from '../../settings.ts';
import { usageError } from '../lib/errors.ts';
import { flagOf, type Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';

/** The settings of the new gateway. */
export type Answers = {
  readonly payTo: Address;
  readonly network: NetworkChoice;
  readonly rpc: string;
  /** Origin of the upstream, and the path of the example tool on it. */
  readonly upstream: { readonly origin: string; readonly path: string };
  readonly audience: string;
  readonly facilitator: string;
  /** Whether a key of its own settles what the facilitator cannot take at once. */
  readonly relayer: 'own_key' | 'none';
  /** Undefined: the configured operators stay. */
  readonly operators: string | undefined;
  readonly reach: EgressReach;
};

/** The origin at which `wrangler dev` serves. */
const LOCAL_AUDIENCE = 'http://localhost:8787';

type Field = {
  readonly option: string;
  readonly message: string;
  /** Prefilled at the prompt. */
  readonly initial?: string;
  /** Used without a terminal; absent: the option is required there. */
  readonly fallback?: string;
  /** Why a value is invalid; undefined for a valid one. */
  readonly check: (text: string) => string | undefined;
};

/** Takes each setting from its option or environment variable, else asks for it. @throws CliError usage */
export const askAnswers = async (session: Session, input: Input): Promise<Answers> => {
  const { prompts, env } = session;
  const reach: EgressReach = input.flag('localStack') ? 'local_stack' : 'public';
  const urlFault = (text: string): string | undefined => urlFaultOf(text, reach);
  const ask = async ({ option, message, initial, fallback, check }: Field): Promise<string> => {
    const flag = flagOf(option);
    const given = input.text(option) ?? (option === 'rpc' ? env['COUNTERSIGN_RPC_URL'] : undefined);
    if (given !== undefined) {
      const fault = check(given.trim());
      if (fault === undefined) return given.trim();
      throw usageError(`${flag}: ${fault}`, `Correct ${flag}.`);
    }
    if (!prompts.isInteractive && fallback !== undefined) return fallback;
    return await prompts.text({
      message,
      instead: `${flag} <value>`,
      check,
      ...(initial === undefined ? {} : { initial }),
    });
  };

  const payTo = await ask({
    option: 'payTo',
    message: 'Which address receives the payments? Use it for nothing else.',
    check: (text) => (addressOf(text) === undefined ? NO_ADDRESS : undefined),
  });
  const network = await askNetwork(session, input);
  const rpc = await ask({
    option: 'rpc',
    message: `JSON-RPC URL of ${network.name}`,
    ...(network.rpc === undefined ? {} : { initial: network.rpc, fallback: network.rpc }),
    check: urlFault,
  });
  const upstream = await ask({
    option: 'upstream',
    message: 'URL of the first tool behind the gateway, e.g. https://api.example.com/weather',
    check: urlFault,
  });
  const audience = await ask({
    option: 'audience',
    message: 'Origin that agents will call',
    initial: LOCAL_AUDIENCE,
    fallback: LOCAL_AUDIENCE,
    check: (text) => faultOf(readAudiences(text)),
  });
  const facilitator = input.text('facilitator') ?? defaultFacilitator(network.network);
  const facilitatorFault =
    urlFault(facilitator) ??
    faultOf(readFacilitators(JSON.stringify([{ url: facilitator }]), reach));
  if (facilitatorFault !== undefined)
    throw usageError(`--facilitator: ${facilitatorFault}`, 'Correct --facilitator.');
  const operators = input.text('operator');
  const operatorFault = operators === undefined ? undefined : faultOf(readOperators(operators));
  if (operatorFault !== undefined)
    throw usageError(`--operator ${operatorFault}.`, 'Correct --operator.');
  const { origin, pathname, search } = new URL(upstream);
  return {
    payTo: addressOf(payTo) ?? ZERO_ADDRESS,
    network,
    rpc,
    upstream: { origin, path: pathname + search },
    audience,
    facilitator,
    relayer: input.flag('withoutRelayer') ? 'none' : 'own_key',
    operators,
    reach,
  };
};

const NO_ADDRESS =
  'That is not an address: an address has 0x and 40 hex digits, with a valid checksum if in mixed case.';

const addressOf = (text: string): Address | undefined => {
  const address = parseAddress(text);
  return address === ZERO_ADDRESS ? undefined : address;
};

const urlFaultOf = (text: string, reach: EgressReach): string | undefined => {
  const fault = egressFault(text, reach);
  if (fault === undefined) return undefined;
  return egressFault(text, 'local_stack') === undefined
    ? 'This URL is on this machine. Add --local-stack to set up a gateway for this machine only.'
    : `The URL ${fault}.`;
};

const faultOf = (setting: Setting<unknown>): string | undefined =>
  setting.ok ? undefined : (setting.error[0] ?? 'is not valid');

const askNetwork = async ({ prompts }: Session, input: Input): Promise<NetworkChoice> => {
  const text =
    input.text('network') ??
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
  /** The name in x402, or ours if x402 has none. */
  readonly name: string;
  readonly isTest: boolean;
  /** A public endpoint for first steps. */
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

/** The usual test network, then the network with the most payments. */
const FIRST: readonly [Network, ...Network[]] = ['eip155:84532', 'eip155:8453'];

const networkChoices: readonly NetworkChoice[] = [
  ...FIRST,
  ...tokenNetworks.filter((on) => !FIRST.includes(on)),
].map((on) => ({
  network: on,
  name: nameOfNetwork(on) ?? OTHER_NAMES[on] ?? on,
  isTest: TESTS.has(on),
  ...(PUBLIC_RPC[on] === undefined ? {} : { rpc: PUBLIC_RPC[on] }),
}));

/** By name or CAIP-2 id. */
const findNetwork = (text: string): NetworkChoice | undefined =>
  networkChoices.find(({ network: on, name }) => on === text || name === text.toLowerCase());

/** A facilitator that needs no account. The first one settles on Base Sepolia only. */
const defaultFacilitator = (on: Network): string =>
  on === 'eip155:84532' ? 'https://x402.org/facilitator' : 'https://facilitator.payai.network';
