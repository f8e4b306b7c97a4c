import * as z from 'zod/mini';
import { chainIdOf, type Network } from '../../protocol/account-id.ts';
import { nameOfNetwork } from '../../protocol/x402/networks.ts';
import { tokenOf } from '../../protocol/x402/tokens.ts';
import { tokenDomainSeparator } from '../../protocol/x402/authorization.ts';
import {
  bytesSchema,
  quantitySchema,
  readAnswer,
  type RpcAnswer,
  rpcBatch,
  wordSchema,
} from '../../settlement/chain/json-rpc.ts';
import { type Check, failure, hostOf, passed, warning } from './check.ts';
import { lasting } from './text.ts';

/** Selectors of `decimals()` and `DOMAIN_SEPARATOR()`. */
const DECIMALS = '0x313ce567';
const DOMAIN_SEPARATOR = '0x3644e515';

const blockSchema = z.object({ timestamp: quantitySchema, number: quantitySchema });

/** Seconds. An older latest block means that the node lost its peers. */
const MAX_AGE = 300;
/** Seconds. Nodes accept blocks stamped slightly ahead. */
const MAX_AHEAD = 30;

/** Checks chain id, latest block and USDC contract of one RPC endpoint. */
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
    return [failure(rpc, `${host} gave no usable answer (${kind})`, hint)];
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
    blockCheck(name, host, block, now()),
    tokenCheck(name, decimals, separator, tokenDomainSeparator(token)),
  ];
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
    return failure(title, 'the endpoint does not return the latest block', 'Choose another one.');
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
