import { lasting } from '../../core/lasting.ts';
import * as z from 'zod/mini';
import { chainIdOf, type Network } from '../../protocol/account-id.ts';
import { tokenDomainSeparator } from '../../protocol/x402/authorization.ts';
import { nameOfNetwork, tokenOf } from '../../protocol/x402/networks.ts';
import { supportedUrl } from '../../settlement/backends/facilitator-api.ts';
import {
  bytesSchema,
  quantitySchema,
  readAnswer,
  type RpcAnswer,
  rpcBatch,
  wordSchema,
} from '../../settlement/chain/json-rpc.ts';
import { MAX_CALLS } from '../../settlement/chain/query.ts';
import { httpGet } from './http-get.ts';
import type { Output } from './output.ts';
import { located } from './error-text.ts';
import { printable, widthOf, wrapped } from './text.ts';

/** The outcome of one check of `doctor` or `init`. */
export type Check = {
  readonly name: string;
  /** `skip`: this machine cannot run the check. */
  readonly status: 'ok' | 'warn' | 'fail' | 'skip';
  readonly says: string;
  /** The next step; on every status but `ok`. */
  readonly hint?: string;
  /** The failure is a missing answer, e.g. without a network: the part itself may be right. */
  readonly unreachable?: true;
};

type CreateCheck = (name: string, says: string, hint: string) => Check;

export const passed = (name: string, says: string): Check => ({ name, status: 'ok', says });
export const warning: CreateCheck = (name, says, hint) => ({ name, status: 'warn', says, hint });
export const failure: CreateCheck = (name, says, hint) => ({ name, status: 'fail', says, hint });
export const skipped: CreateCheck = (name, says, hint) => ({ name, status: 'skip', says, hint });

/** The host of a URL, without its path and query: those often hold an API key. */
export const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'no URL');

const MARKS = { ok: '✓', warn: '!', fail: '✗', skip: '·' } as const;
const STYLES = { ok: 'good', warn: 'warn', fail: 'bad', skip: 'dim' } as const;

/** Checks for people: mark, name, finding, next step. @param least the fewest columns of the names */
export const checkLines = (
  { style, width }: Output,
  checks: readonly Check[],
  least = 0,
): string => {
  const label = Math.max(least, ...checks.map(({ name }) => widthOf(printable(name))));
  const isNarrow = width < label + 44;
  const indent = ' '.repeat(isNarrow ? 4 : label + 4);
  const columns = Math.min(width, 100);
  return checks
    .map(({ name: given, status, says, hint }) => {
      const name = printable(given);
      const mark = style[STYLES[status]](MARKS[status]);
      const head = isNarrow ? `${mark} ${name}\n${indent}` : `${mark} ${name.padEnd(label)}  `;
      const next =
        hint === undefined || status === 'ok'
          ? ''
          : `\n${indent}${style.dim(wrapped(`→ ${printable(located(hint))}`, columns, indent))}`;
      return head + wrapped(printable(says), columns, indent) + next;
    })
    .join('\n');
};

/** Selectors of `decimals()` and `DOMAIN_SEPARATOR()`. */
const DECIMALS = '0x313ce567';
const DOMAIN_SEPARATOR = '0x3644e515';

const blockSchema = z.object({ timestamp: quantitySchema, number: quantitySchema });

/** Seconds. An older latest block means that the node lost its peers. */
const MAX_AGE = 300;
/** Seconds. Nodes accept blocks stamped slightly ahead. */
const MAX_AHEAD = 30;

/** Checks chain id, batch limit, latest block and USDC contract of one RPC endpoint. */
export const chainChecks = async (
  on: Network,
  url: string,
  now: () => number,
): Promise<readonly Check[]> => {
  const token = tokenOf(on);
  const name = nameOfNetwork(on) ?? on;
  const host = hostOf(url);
  const rpc = `RPC ${name}`;
  if (token === undefined) {
    const hint = 'Choose a network that `countersign init --network` accepts.';
    return [failure(rpc, 'no token is known on this network', hint)];
  }
  const call = (data: string) => ({
    method: 'eth_call',
    params: [{ to: token.address, data }, 'latest'],
  });
  const answers = await rpcBatch(
    [url],
    [
      { method: 'eth_chainId', params: [] },
      { method: 'eth_getBlockByNumber', params: ['latest', false] },
      call(DECIMALS),
      call(DOMAIN_SEPARATOR),
    ],
  );
  if (!answers.ok) {
    const kind = answers.error.kind.replaceAll('_', ' ');
    const hint = 'Check the RPC URL and its key: it must answer JSON-RPC batches.';
    const check = failure(rpc, `${host} gave no usable answer (${kind})`, hint);
    return [kind === 'connection' || kind === 'timeout' ? { ...check, unreachable: true } : check];
  }
  const [chainId, block, decimals, separator] = answers.value;
  const found = readAnswer(chainId, quantitySchema);
  if (found !== chainIdOf(on)) {
    const says =
      found === undefined
        ? `${host} does not answer eth_chainId`
        : `${host} is chain ${found}, not ${chainIdOf(on) ?? on}`;
    return [failure(rpc, says, `Give an RPC URL of ${name}.`)];
  }
  return [
    passed(rpc, `${host} answers for chain ${found}`),
    await batchCheck(name, url),
    blockCheck(name, host, block, now()),
    tokenCheck(name, decimals, separator, tokenDomainSeparator(token)),
  ];
};

/** Calls of the batches that the check tries, until the endpoint answers one. */
const BATCHES = [MAX_CALLS, 80, 40, 20, 10];

/** Whether the endpoint answers the longest batch that the gateway sends. The calls differ: a provider may count equal ones once. */
const batchCheck = async (name: string, url: string): Promise<Check> => {
  const title = `batches ${name}`;
  const longest = await longestBatch(url);
  if (longest === MAX_CALLS) return passed(title, `${longest} calls in one request`);
  return warning(
    title,
    `${hostOf(url)} answers ${longest} calls in one request, the gateway sends up to ${MAX_CALLS}`,
    'Payments stay open while many settle at once. Raise the batch limit or the request rate of this endpoint at its provider, or put another endpoint first in RPC_URLS.',
  );
};

const longestBatch = async (url: string): Promise<number> => {
  for (const size of BATCHES) {
    const answers = await rpcBatch(
      [url],
      Array.from({ length: size }, (_, at) => ({
        method: 'eth_getBalance',
        params: [`0x${(at + 1).toString(16).padStart(40, '0')}`, 'latest'],
      })),
    );
    if (answers.ok && answers.value.every(({ ok }) => ok)) return size;
    // A silent endpoint answers no shorter batch either.
    if (!answers.ok && answers.error.kind === 'timeout') return 0;
  }
  return 0;
};

const blockCheck = (
  name: string,
  host: string,
  answer: RpcAnswer | undefined,
  now: number,
): Check => {
  const title = `clock ${name}`;
  const block = readAnswer(answer, blockSchema);
  if (block === undefined)
    return failure(
      title,
      'the endpoint does not return the latest block',
      'Put the URL of another JSON-RPC endpoint of this network first in RPC_URLS.',
    );
  const age = now - block.timestamp;
  if (age < -MAX_AHEAD) {
    return failure(
      title,
      `the latest block is ${lasting(-age)} ahead of this clock`,
      'Set the clock of this machine: gateways would reject its signatures.',
    );
  }
  // A local chain mines only when it has a transaction.
  if (age <= MAX_AGE || /^(127\.|localhost|\[::1\])/.test(host))
    return passed(title, `block ${block.number}, ${lasting(Math.max(0, age))} ago`);
  return warning(
    title,
    `the latest block is ${lasting(age)} old`,
    'The node fell behind, or this clock is ahead: compare with another endpoint.',
  );
};

const tokenCheck = (
  name: string,
  decimals: RpcAnswer | undefined,
  separator: RpcAnswer | undefined,
  expected: string,
): Check => {
  const title = `USDC ${name}`;
  const hint = 'Payments for another token would fail: choose another network or RPC endpoint.';
  const places = readAnswer(decimals, bytesSchema);
  if (places === undefined || !/^0x0{63}6$/.test(places))
    return failure(title, 'the contract does not have six decimals', hint);
  return readAnswer(separator, wordSchema) === expected
    ? passed(title, 'the contract has six decimals and the expected EIP-712 domain')
    : failure(title, 'the contract has an unexpected EIP-712 domain', hint);
};

const kindSchema = z.looseObject({
  x402Version: z.number(),
  scheme: z.string(),
  network: z.string(),
});
const supportedSchema = z.looseObject({ kinds: z.array(kindSchema) });

/** Whether a facilitator settles x402 version 2, scheme `exact`, on each of these networks. */
export const facilitatorCheck = async (
  url: string,
  networks: readonly Network[],
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<Check> => {
  const name = 'facilitator';
  const host = hostOf(url);
  const answer = await httpGet(supportedUrl(url), signal, headers);
  if (!answer.ok) {
    const hint = 'Check FACILITATORS and your network.';
    return { ...failure(name, `${host}: ${answer.error}`, hint), unreachable: true };
  }
  const supported = supportedSchema.safeParse(answer.value.json);
  if (answer.value.status !== 200 || !supported.success) {
    return failure(
      name,
      `${host} answers ${answer.value.status} to /supported, without a list`,
      'Check the URL in FACILITATORS: the gateway adds /supported and /settle to it.',
    );
  }
  const missing = networks.filter(
    (on) =>
      !supported.data.kinds.some(
        ({ x402Version, scheme, network }) =>
          x402Version === 2 && scheme === 'exact' && network === on,
      ),
  );
  return missing.length === 0
    ? passed(name, `${host} settles on ${namesOf(networks)}`)
    : failure(
        name,
        `${host} does not settle on ${namesOf(missing)}`,
        'Add a facilitator that does to FACILITATORS.',
      );
};

const namesOf = (networks: readonly Network[]): string =>
  networks.map((on) => nameOfNetwork(on) ?? on).join(', ');

/** Whether the upstream answers at all, with any status. */
export const upstreamCheck = async (origin: string, signal: AbortSignal): Promise<Check> => {
  const answer = await httpGet(origin, signal);
  const host = hostOf(origin);
  return answer.ok
    ? passed('upstream', `${host} answers (${answer.value.status})`)
    : warning('upstream', `${host}: ${answer.error}`, 'Start it, or check UPSTREAM_URL.');
};
