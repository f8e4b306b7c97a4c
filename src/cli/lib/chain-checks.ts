import * as z from 'zod/mini';
import { chainIdOf, type Network } from '../../protocol/account-id.ts';
import {
  bytesSchema,
  quantitySchema,
  readAnswer,
  type RpcAnswer,
  rpcBatch,
  wordSchema,
} from '../../settlement/chain/json-rpc.ts';
import { tokenDomainSeparator } from '../../protocol/x402/transfer-digest.ts';
import { nameOfNetwork } from '../../protocol/x402/networks.ts';
import { tokenOf } from '../../protocol/x402/tokens.ts';
import { type Check, doubtful, hostOf, passed, wrong } from './check.ts';
import { lasting } from './text.ts';

/** Selectors of `decimals()` and `DOMAIN_SEPARATOR()`. */
const DECIMALS = '0x313ce567';
const DOMAIN_SEPARATOR = '0x3644e515';

const blockSchema = z.object({ timestamp: quantitySchema, number: quantitySchema });

/** A block this old: the node has lost its peers, or nothing is sent there. */
const OLD = 300;
/** Blocks may be stamped a little ahead. */
const AHEAD = 30;

/** Whether an RPC endpoint answers, for this chain, in time, with the token that is paid with. */
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
    return [
      wrong(
        rpc,
        'no token is known on this network',
        'Choose a network of `countersign init --help`.',
      ),
    ];
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
    return [
      wrong(
        rpc,
        `${host} gave no answer that can be used (${answers.error.kind.replaceAll('_', ' ')})`,
        'Check the RPC URL and its key: it must answer JSON-RPC batches.',
      ),
    ];
  }
  const [chainId, block, decimals, separator] = answers.value;
  const found = readAnswer(chainId, quantitySchema);
  if (found !== chainIdOf(on)) {
    return [
      wrong(
        rpc,
        found === undefined
          ? `${host} does not say its chain id`
          : `${host} is chain ${found}, not ${chainIdOf(on) ?? on}`,
        `Give an RPC URL of ${name}.`,
      ),
    ];
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
  if (block === undefined) {
    return wrong(title, 'the latest block cannot be read', 'Choose another RPC endpoint.');
  }
  const age = now - block.timestamp;
  if (age < -AHEAD) {
    return wrong(
      title,
      `the latest block is ${lasting(-age)} ahead of this clock`,
      'Set the clock of this machine: what it signs would be refused.',
    );
  }
  if (age <= OLD || /^(127\.|localhost|\[::1\])/.test(host)) {
    return passed(title, `block ${block.number}, ${lasting(Math.max(0, age))} ago`);
  }
  return doubtful(
    title,
    `the latest block is ${lasting(age)} old`,
    'The node may have fallen behind, or this clock is ahead: compare with another one.',
  );
};

const tokenCheck = (
  name: string,
  decimals: RpcAnswer | undefined,
  separator: RpcAnswer | undefined,
  expected: string,
): Check => {
  const title = `USDC ${name}`;
  const hint =
    'Payments signed for another token would fail: choose another network or RPC endpoint.';
  const places = readAnswer(decimals, bytesSchema);
  if (places === undefined || !/^0x0{63}6$/.test(places)) {
    return wrong(title, 'the contract does not say that it has six decimals', hint);
  }
  return readAnswer(separator, wordSchema) === expected
    ? passed(title, 'the contract has six decimals and the EIP-712 domain that is signed for')
    : wrong(title, 'the contract has another EIP-712 domain than the one that is signed for', hint);
};
