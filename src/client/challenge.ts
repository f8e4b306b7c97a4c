import { assetId, type AssetId, chainIdOf, type Network } from '../protocol/account-id.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { CountersignError } from './errors.ts';
import { isRecord, readJsonBody } from './json.ts';

/** The challenge of a 401: the intent that a gateway requests before it serves a free call (docs/wire-format.md §8). */
export type Challenge = {
  readonly audience: string;
  readonly tool: string;
  /** In the gateway's order; only networks in the client's table of tokens. */
  readonly networks: readonly [Network, ...Network[]];
  /** The longest validity of an intent that the gateway accepts, in seconds. */
  readonly longest: number;
  /** The tool has a price in fiat, which the body states (docs/wire-format.md §20). */
  readonly isPriced: boolean;
};

const MAX_HEADER = 8_192;
const MAX_BODY = 65_536;
const MAX_CHAINS = 64;
const PRINTABLE = /^[\x20-\x7e]{1,256}$/;
const SECONDS = /^[1-9][0-9]{0,5}$/;

const SCHEME = /(?:^|,)\s*AgentIntent\s+(?=[a-z_]+\s*=)/gi;
const PARAMETER = /\s*([a-z_]+)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/iy;

/**
 * Reads the `AgentIntent` challenge of a 401; undefined if the 401 has none, e.g. for another authentication scheme.
 *
 * @throws CountersignError `challenge_malformed`
 */
export const readChallenge = async (
  response: Response,
  withinMs?: number,
): Promise<Challenge | undefined> => {
  const header = response.headers.get('www-authenticate') ?? '';
  if (header.length > MAX_HEADER) throw malformed(response, 'is longer than 8192 characters');
  const starts = [...unquoted(header).matchAll(SCHEME)];
  const [start] = starts;
  if (start === undefined) return undefined;
  if (starts.length > 1) throw malformed(response, 'holds two AgentIntent challenges');
  const parameters = parametersFrom(header, start.index + start[0].length);
  if (parameters === undefined) throw malformed(response, 'repeats a parameter');

  const audience = parameters.get('audience') ?? '';
  if (!PRINTABLE.test(audience)) throw malformed(response, 'names no audience');
  const tool = parameters.get('tool') ?? (await toolOfBody(response, withinMs));
  if (!PRINTABLE.test(tool)) throw malformed(response, 'names no tool');
  const listed = (parameters.get('chains') ?? '').split(' ').slice(0, MAX_CHAINS);
  // Each network once: a look-up signs for one after the other.
  const networks = [...new Set(listed)]
    .filter((name): name is Network => chainIdOf(name) !== undefined)
    .filter((name) => tokenOf(name) !== undefined);
  const [first, ...more] = networks;
  if (first === undefined) throw malformed(response, 'names no known chain');
  const validity = parameters.get('max_validity') ?? '300';
  if (!SECONDS.test(validity)) throw malformed(response, 'has a malformed max_validity');
  return {
    ...{ audience, tool, networks: [first, ...more], longest: Number(validity) },
    isPriced: parameters.has('asset'),
  };
};

/** The network to sign for: the first whose token the agent may spend, otherwise the first. */
export const networkFor = (
  { networks }: Challenge,
  assets: ReadonlySet<AssetId> | undefined,
): Network =>
  networks.find((on) => assets?.has(assetId(on, tokenOf(on)?.address ?? '0x')) === true) ??
  networks[0];

/** Masks quoted text: a realm must not pass as a challenge. */
const unquoted = (header: string): string =>
  header.replace(/"(?:[^"\\]|\\.)*"/g, (quoted) => `"${'x'.repeat(quoted.length - 2)}"`);

/** The parameters from an index to the end or the next challenge; undefined if one is repeated. */
const parametersFrom = (header: string, from: number): Map<string, string> | undefined => {
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = from;
  for (let match = PARAMETER.exec(header); match !== null; match = PARAMETER.exec(header)) {
    const [, name = '', value = ''] = match;
    const key = name.toLowerCase();
    if (parameters.has(key)) return undefined;
    parameters.set(key, value.replace(/\\(.)/g, '$1'));
  }
  return parameters;
};

const toolOfBody = async (response: Response, withinMs: number | undefined): Promise<string> => {
  const body = await readJsonBody(response, MAX_BODY, withinMs);
  const intent = isRecord(body) ? body['intent'] : undefined;
  const tool = isRecord(intent) ? intent['tool'] : undefined;
  return typeof tool === 'string' ? tool : '';
};

const malformed = (response: Response, what: string): CountersignError =>
  new CountersignError('challenge_malformed', `The AgentIntent challenge ${what}.`, { response });
