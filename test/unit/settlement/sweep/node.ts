import type { Address, Hex } from '../../../../src/core/hex.ts';
import type { RpcCall } from '../../../../src/settlement/chain/json-rpc.ts';
import {
  addressWord,
  amountWord,
  AUTHORIZATION_USED,
  TRANSFER,
} from '../../../../src/settlement/chain/token-calls.ts';

export const RPC = 'https://node.test/';
export const TOKEN: Address = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
export const PAY_TO: Address = `0x${'bb'.repeat(20)}`;
export const OTHER: Address = `0x${'cc'.repeat(20)}`;
/** The time of block 0. A new block follows every two seconds. */
export const GENESIS = 1_800_000_000;

export const payer = (seed: number): Address => `0x${(seed + 0xa0).toString(16).padStart(40, '0')}`;
export const nonce = (seed: number): Hex => amountWord(BigInt(seed + 1));
export const hashOf = (block: number, seed: number): Hex =>
  `0x${block.toString(16).padStart(32, '0')}${seed.toString(16).padStart(32, '0')}`;
export const timeOf = (block: number): number => GENESIS + block * 2;

export type Emitted = {
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly address?: Address;
};

export const used = (from: Address, of: Hex): Emitted => ({
  topics: [AUTHORIZATION_USED, addressWord(from), of],
  data: '0x',
});
export const transfer = (from: Address, to: Address, amount: bigint): Emitted => ({
  topics: [TRANSFER, addressWord(from), addressWord(to)],
  data: amountWord(amount),
});
/** The logs of a settlement. */
export const paid = (from: Address, of: Hex, amount: bigint, to = PAY_TO): readonly Emitted[] => [
  used(from, of),
  transfer(from, to, amount),
];

type Written = Emitted & {
  readonly block: number;
  readonly transaction: Hex;
  readonly index: number;
};

type Filter = {
  readonly address: Address;
  readonly fromBlock: Hex;
  readonly toBlock: Hex;
  readonly topics?: readonly (readonly Hex[] | null)[];
};

const quantity = (value: number): Hex => `0x${value.toString(16)}`;

/** A node with a scripted chain. A test can make it refuse requests. */
export const scriptNode = (head: number) => {
  let logs: Written[] = [];
  const state = {
    head,
    /** The most blocks and logs in one answer. The node refuses larger requests. */
    maxRange: Infinity,
    maxLogs: Infinity,
    /** The number of batches after which the node stops answering. */
    answers: Infinity,
    /** A block for which the node refuses every request. */
    bad: -1,
  };
  /** The block ranges whose Transfers the node returned. */
  const windows: [number, number][] = [];

  /** Adds a transaction. */
  const mine = (block: number, transaction: Hex, emitted: readonly Emitted[]): void => {
    const first = logs.filter((log) => log.block === block).length;
    logs.push(...emitted.map((log, at) => ({ ...log, block, transaction, index: first + at })));
  };
  /** Removes a transaction, as a reorganisation does. */
  const forget = (transaction: Hex): void => {
    logs = logs.filter((log) => log.transaction !== transaction);
  };

  const height = (block: Hex | 'latest'): number =>
    block === 'latest' ? state.head : Number(block);
  const written = (log: Written) => ({
    address: log.address ?? TOKEN,
    topics: log.topics,
    data: log.data,
    blockNumber: quantity(log.block),
    transactionHash: log.transaction,
    logIndex: quantity(log.index),
  });
  const spentAt = (from: string, of: string): number | undefined =>
    logs.find(
      ({ topics }) => topics[0] === AUTHORIZATION_USED && topics[1] === from && topics[2] === of,
    )?.block;

  const answer = ({ method, params }: RpcCall): unknown => {
    const [first, second] = params as readonly [never, Hex | 'latest'];
    switch (method) {
      case 'eth_blockNumber':
        return quantity(state.head);
      case 'eth_getBlockByNumber': {
        const block = height(first);
        return block > state.head
          ? null
          : { number: quantity(block), timestamp: quantity(timeOf(block)) };
      }
      case 'eth_call': {
        const { data } = first as { readonly data: string };
        if (data.startsWith('0x70a08231')) return amountWord(5n);
        const at = spentAt(`0x${data.slice(10, 74)}`, `0x${data.slice(74)}`);
        return amountWord(at !== undefined && at <= height(second) ? 1n : 0n);
      }
      case 'eth_getLogs': {
        const { address, fromBlock, toBlock, topics = [] } = first as Filter;
        const [from, to] = [Number(fromBlock), height(toBlock as Hex)];
        // Few logs have the same nonce, and nodes usually return them for any range.
        const isWide = to - from >= state.maxRange && topics[0]?.length === 1;
        if (isWide || (from <= state.bad && state.bad <= to)) return undefined;
        const found = logs
          .filter((log) => (log.address ?? TOKEN) === address)
          .filter(({ block }) => from <= block && block <= to)
          .filter((log) =>
            topics.every((any, at) => any === null || any.includes(log.topics[at] as Hex)),
          );
        if (found.length > state.maxLogs) return undefined;
        if (topics[0]?.includes(TRANSFER)) windows.push([from, to]);
        return found.map(written);
      }
      case 'eth_getTransactionByHash': {
        const [some] = logs.filter(({ transaction }) => transaction === first);
        return some === undefined ? null : { hash: first, from: OTHER, to: TOKEN, input: '0x' };
      }
      case 'eth_getTransactionReceipt': {
        const own = logs.filter(({ transaction }) => transaction === first);
        const [some] = own;
        return some === undefined
          ? null
          : {
              ...{ status: '0x1', blockNumber: quantity(some.block), transactionHash: first },
              logs: own.map(written),
            };
      }
      default:
        return undefined;
    }
  };
  const respond = (body: unknown): Response => {
    if ((state.answers -= 1) < 0) throw new TypeError('connection refused');
    return Response.json(
      (body as ({ id: number } & RpcCall)[]).map(({ id, ...call }) => {
        const result = answer(call);
        return result === undefined
          ? { jsonrpc: '2.0', id, error: { code: -32_005, message: 'query returned too much' } }
          : { jsonrpc: '2.0', id, result };
      }),
    );
  };
  return { state, windows, mine, forget, respond };
};

export type ScriptedNode = ReturnType<typeof scriptNode>;
