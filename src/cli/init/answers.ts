import type { Address } from '../../core/hex.ts';
import { egressFault, type EgressReach } from '../../protocol/egress-url.ts';
import { ZERO_ADDRESS } from '../../core/hex.ts';
import { parseAddress } from '../../crypto/checksum.ts';
import { readFacilitators } from '../../backend-settings.ts';
import { readAudiences, readOperators, type Setting } from '../../settings.ts';
import type { Input } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import type { Session } from '../lib/session.ts';
import { findNetwork, type NetworkChoice, networkChoices, usualFacilitator } from './networks.ts';

/** What an operator has said of the gateway to be. */
export type Answers = {
  readonly payTo: Address;
  readonly network: NetworkChoice;
  readonly rpc: string;
  /** Origin of the upstream, and the path that the example tool leads to. */
  readonly upstream: { readonly origin: string; readonly path: string };
  readonly audience: string;
  readonly facilitator: string;
  /** Undefined: stays as it is. */
  readonly operators: string | undefined;
  readonly reach: EgressReach;
};

/** Where `wrangler dev` serves. */
const LOCAL_AUDIENCE = 'http://localhost:8787';

type Asked = {
  readonly option: string;
  readonly message: string;
  readonly initial?: string;
  /** Taken where nobody is asked; else the option is missing. */
  readonly fallback?: string;
  readonly check: (text: string) => string | undefined;
};

/** From flags, the environment, or by asking. @throws CliError */
export const askAnswers = async (session: Session, input: Input): Promise<Answers> => {
  const { prompts, env } = session;
  const reach: EgressReach = input.flag('localStack') ? 'local_stack' : 'public';
  const urlFault = (text: string): string | undefined => urlFaultOf(text, reach);
  const ask = async ({ option, message, initial, fallback, check }: Asked): Promise<string> => {
    const flag = `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const given = input.text(option) ?? (option === 'rpc' ? env['COUNTERSIGN_RPC_URL'] : undefined);
    if (given !== undefined) {
      const why = check(given.trim());
      if (why === undefined) return given.trim();
      throw usageError(`${flag}: ${why}`, `Correct ${flag}.`);
    }
    if (!prompts.possible && fallback !== undefined) return fallback;
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
    ...(network.rpc === undefined ? {} : { initial: network.rpc }),
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
  const facilitator = input.text('facilitator') ?? usualFacilitator(network.network);
  const facilitatorFault =
    urlFault(facilitator) ??
    faultOf(readFacilitators(JSON.stringify([{ url: facilitator }]), reach));
  if (facilitatorFault !== undefined) {
    throw usageError(`--facilitator: ${facilitatorFault}`, 'Correct --facilitator.');
  }
  const operators = input.text('operator');
  const operatorFault = operators === undefined ? undefined : faultOf(readOperators(operators));
  if (operatorFault !== undefined) {
    throw usageError(`--operator ${operatorFault}.`, 'Correct --operator.');
  }
  const { origin, pathname, search } = new URL(upstream);
  return {
    payTo: addressOf(payTo) ?? ZERO_ADDRESS,
    network,
    rpc,
    upstream: { origin, path: pathname + search },
    audience,
    facilitator,
    operators,
    reach,
  };
};

const NO_ADDRESS =
  'That is no address: 0x and 40 hex digits, with a right checksum if in mixed case.';

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
  const given = input.text('network');
  const text =
    given ??
    (await prompts.choice({
      message: 'On which network are you paid?',
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
    '--network names no network that can be paid on.',
    `Use one of ${networkChoices.map(({ name }) => name).join(', ')}.`,
  );
};
