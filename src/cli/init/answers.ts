import { readFacilitators } from '../../config/backend-settings.ts';
import type { Config } from '../../config/config.ts';
import { type Address, ZERO_ADDRESS } from '../../core/hex.ts';
import { parseAddress } from '../../crypto/address.ts';
import type { Setting } from '../../config/json-setting.ts';
import type { Network } from '../../protocol/account-id.ts';
import { egressFault, type EgressReach } from '../../protocol/egress-url.ts';
import { readAudiences, readOperators } from '../../config/settings.ts';
import { usageError } from '../lib/errors.ts';
import { flagOf, type Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import { askNetwork, type NetworkChoice } from './network-choice.ts';

/** The settings of the new gateway. */
export type Answers = {
  readonly payTo: Address;
  readonly network: NetworkChoice;
  readonly rpc: string;
  /** Origin of the upstream, and the path of the example tool on it. Undefined: the tools stay. */
  readonly upstream: { readonly origin: string; readonly path: string } | undefined;
  readonly audience: string;
  readonly facilitator: string;
  /** Whether the gateway gets a relayer key, which settles payments that the facilitator cannot take at once. */
  readonly relayer: 'own_key' | 'none';
  /** Undefined: the configured operators stay. */
  readonly operators: string | undefined;
  readonly reach: EgressReach;
  /** Variables of a configured gateway that stay as they are: no option names another value. */
  readonly kept: ReadonlySet<string>;
};

/** The origin at which `wrangler dev` serves. */
export const LOCAL_AUDIENCE = 'http://localhost:8787';

type Field = {
  readonly option: string;
  readonly variable: string;
  /** The value of a configured gateway, which stays unless the option is given. */
  readonly present?: string | undefined;
  readonly message: string;
  /** Prefilled at the prompt. */
  readonly initial?: string;
  /** Used without a terminal; absent: the option is required there. */
  readonly fallback?: string;
  /** Why a value is invalid; undefined for a valid one. */
  readonly check: (text: string) => string | undefined;
};

/**
 * Takes each setting from its option or environment variable, else from the configured gateway, else asks for it.
 *
 * @throws CliError usage
 */
export const askAnswers = async (
  session: Session,
  input: Input,
  configured?: Config,
): Promise<Answers> => {
  const { prompts, env } = session;
  const isLocal =
    input.flag('localStack') ||
    (configured?.reach === 'local_stack' && input.text('rpc') === undefined);
  const reach: EgressReach = isLocal ? 'local_stack' : 'public';
  const urlFault = (text: string): string | undefined => urlFaultOf(text, reach);
  const kept = new Set<string>();
  const ask = async (field: Field): Promise<string> => {
    const { option, variable, present, message, initial, fallback, check } = field;
    const flag = flagOf(option);
    if (present !== undefined && input.text(option) === undefined) {
      kept.add(variable);
      return present;
    }
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
    variable: 'PAY_TO',
    present: configured?.payTo.get(configured.networks[0]),
    message: 'Which address receives the payments? Use it for nothing else.',
    check: (text) => (addressOf(text) === undefined ? NO_ADDRESS : undefined),
  });
  const network = await askNetwork(session, input, configured?.networks[0]);
  const rpc = await ask({
    option: 'rpc',
    variable: 'RPC_URLS',
    present: configured?.rpcUrls.get(network.network)?.[0],
    message: `JSON-RPC URL of ${network.name}`,
    ...(network.rpc === undefined ? {} : { initial: network.rpc, fallback: network.rpc }),
    check: urlFault,
  });
  const upstream = await ask({
    option: 'upstream',
    variable: 'UPSTREAM_URL',
    present: configured && (configured.upstreamUrl ?? ''),
    message: 'URL of the first tool behind the gateway, e.g. https://api.example.com/weather',
    check: urlFault,
  });
  const audience = await ask({
    option: 'audience',
    variable: 'AUDIENCES',
    present: configured?.audiences.join(', '),
    message: 'Origin that agents will call',
    initial: LOCAL_AUDIENCE,
    fallback: LOCAL_AUDIENCE,
    check: (text) => faultOf(readAudiences(text)),
  });
  if (configured !== undefined && input.text('facilitator') === undefined) kept.add('FACILITATORS');
  const facilitator = input.text('facilitator') ?? defaultFacilitator(network.network);
  const facilitatorFault =
    urlFault(facilitator) ??
    faultOf(readFacilitators(JSON.stringify([{ url: facilitator }]), reach));
  if (facilitatorFault !== undefined)
    throw usageError(
      `--facilitator: ${facilitatorFault}`,
      'Give the https URL of an x402 facilitator, e.g. --facilitator https://x402.org/facilitator.',
    );
  const operators = input.text('operator');
  const operatorFault = operators === undefined ? undefined : faultOf(readOperators(operators));
  if (operatorFault !== undefined)
    throw usageError(
      `--operator ${operatorFault}.`,
      'Give addresses of wallets, comma-separated: --operator 0x…',
    );
  return {
    payTo: addressOf(payTo) ?? ZERO_ADDRESS,
    network,
    rpc,
    upstream: kept.has('UPSTREAM_URL') ? undefined : partsOf(upstream),
    audience,
    facilitator,
    relayer: input.flag('withoutRelayer') ? 'none' : 'own_key',
    operators,
    reach,
    kept,
  };
};

const partsOf = (url: string): Answers['upstream'] => {
  const { origin, pathname, search } = new URL(url);
  return { origin, path: pathname + search };
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

/** A facilitator that needs no account. The first one settles on Base Sepolia only. */
export const defaultFacilitator = (on: Network): string =>
  on === 'eip155:84532' ? 'https://x402.org/facilitator' : 'https://facilitator.payai.network';
