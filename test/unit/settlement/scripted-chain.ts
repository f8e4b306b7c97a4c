import { vi } from 'vitest';
import type { Address, Hex } from '../../../src/core/hex.ts';
import type { RpcCall } from '../../../src/settlement/chain/json-rpc.ts';
import type { Payment } from '../../../src/protocol/payment.ts';
import {
  addressWord,
  amountWord,
  AUTHORIZATION_CANCELED,
  AUTHORIZATION_USED,
  TRANSFER,
} from '../../../src/settlement/chain/token-calls.ts';
import { NOW, word } from './scripted.ts';

type Emitted = { readonly address: Address; readonly topics: readonly Hex[]; readonly data: Hex };

export const usedLog = ({ token, authorization }: Payment): Emitted => ({
  address: token.address,
  topics: [AUTHORIZATION_USED, addressWord(authorization.from), authorization.nonce],
  data: '0x',
});

export const canceledLog = ({ token, authorization }: Payment): Emitted => ({
  address: token.address,
  topics: [AUTHORIZATION_CANCELED, addressWord(authorization.from), authorization.nonce],
  data: '0x',
});

export const transferLog = (
  { token, authorization }: Payment,
  changes: { readonly to?: Address; readonly value?: bigint } = {},
): Emitted => ({
  address: token.address,
  topics: [TRANSFER, addressWord(authorization.from), addressWord(changes.to ?? authorization.to)],
  data: amountWord(changes.value ?? authorization.value),
});

type Block = { readonly number: number; readonly timestamp: number };

/** A chain that a test scripts, served over JSON-RPC. Its first block is 100, with the time NOW. */
export const scriptChain = () => {
  const blocks = new Map<number, Block>([[100, { number: 100, timestamp: NOW }]]);
  const logs: {
    block: number;
    transaction: Hex;
    index: number;
    log: Emitted;
  }[] = [];
  const usedAt = new Map<Hex, number>();
  const balances = new Map<Address, bigint>();
  const batches: RpcCall[][] = [];
  const hidden = new Set<string>();
  /** Payers and receivers with which every transfer of the token fails. */
  const refusing = new Set<Address>();
  const codes = new Map<Address, Hex>();
  const state = { head: 100, down: false, lag: 0, paddingBytes: 0, maxRange: Infinity };

  /** Adds a block, one second after the last one by default. */
  const mine = (timestamp?: number): number => {
    const before = blocks.get(state.head)?.timestamp ?? NOW;
    state.head += 1;
    blocks.set(state.head, { number: state.head, timestamp: timestamp ?? before + 1 });
    return state.head;
  };
  /** Adds many blocks, one second apart. */
  const mineMany = (count: number): void => {
    for (let left = count; left > 0; left -= 1) mine();
  };
  /** Adds a block with one transaction that emits these logs. */
  const emit = (emitted: readonly Emitted[], uses: readonly Hex[]): Hex => {
    const block = mine();
    const transaction: Hex = `0xf${block.toString(16).padStart(63, '0')}`;
    for (const [index, log] of emitted.entries()) logs.push({ block, transaction, index, log });
    for (const nonce of uses) usedAt.set(nonce, block);
    return transaction;
  };
  /** Adds another transaction to the newest block. */
  const join = (emitted: readonly Emitted[]): void => {
    const transaction: Hex = `0xe${state.head.toString(16).padStart(63, '0')}`;
    const first = logs.filter(({ block }) => block === state.head).length;
    for (const [at, log] of emitted.entries()) {
      logs.push({ block: state.head, transaction, index: first + at, log });
    }
  };
  const pay = (payment: Payment): Hex =>
    emit([usedLog(payment), transferLog(payment)], [payment.authorization.nonce]);

  const cancel = (payment: Payment): Hex =>
    emit([canceledLog(payment)], [payment.authorization.nonce]);
  const isUsed = ({ authorization }: Payment): boolean => usedAt.has(authorization.nonce);

  const quantity = (value: number): Hex => `0x${value.toString(16)}`;
  const height = (block: unknown): number =>
    block === 'latest' ? state.head - state.lag : Number(block);
  const written = ({ block, transaction, index, log }: (typeof logs)[number]) => ({
    ...log,
    blockNumber: quantity(block),
    transactionHash: transaction,
    logIndex: quantity(index),
  });
  const call = (data: string, block: number): Hex => {
    const address: Address = `0x${data.slice(34, 74)}`;
    if (data.startsWith('0x70a08231')) return amountWord(balances.get(address) ?? 0n);
    const at = usedAt.get(`0x${data.slice(74)}`);
    return word(at !== undefined && at <= block ? 1 : 0);
  };
  const answer = ({ method, params }: RpcCall): unknown => {
    const [first, second] = params as readonly [never, unknown];
    switch (method) {
      case 'eth_blockNumber':
        return quantity(state.head);
      case 'eth_getCode':
        return codes.get(first) ?? '0x';
      case 'eth_getBlockByNumber': {
        // The newest block is always known here, because load balancers send each call to a different node.
        const block = blocks.get(first === 'latest' ? state.head : Number(first));
        return block === undefined
          ? null
          : { number: quantity(block.number), timestamp: quantity(block.timestamp) };
      }
      case 'eth_call':
        return call((first as { data: string }).data, height(second));
      case 'eth_getLogs': {
        const { topics = [], ...filter } = first as {
          address: Address;
          fromBlock: Hex;
          toBlock: Hex;
          topics?: Hex[][];
        };
        if (height(filter.toBlock) - Number(filter.fromBlock) >= state.maxRange) return undefined;
        return logs
          .filter(({ log }) => log.address === filter.address)
          .filter(({ block }) => block >= Number(filter.fromBlock))
          .filter(({ block }) => block <= height(filter.toBlock))
          .filter(({ log }) => topics.every((any, at) => any.includes(log.topics[at] as Hex)))
          .map(written);
      }
      case 'eth_getTransactionReceipt': {
        const own = logs.filter(({ transaction }) => transaction === first);
        if (own[0] === undefined) return null;
        return {
          status: '0x1',
          blockNumber: quantity(own[0].block),
          transactionHash: first,
          logs: own.map(written),
          padding: 'x'.repeat(state.paddingBytes),
        };
      }
      default:
        return undefined;
    }
  };
  /** Tells whether a transfer reverts, by its authorization or its sender. */
  const isReverted = ({ method, params }: RpcCall): boolean => {
    if (method !== 'eth_call') return false;
    const { from, data } = params[0] as { readonly from?: Address; readonly data: string };
    if (data.startsWith('0xa9059cbb')) return from !== undefined && refusing.has(from);
    const isTransfer = data.startsWith('0xe3ee160e') || data.startsWith('0xcf092995');
    const payer: Address = `0x${data.slice(34, 74)}`;
    const value = BigInt(`0x${data.slice(138, 202) || '0'}`);
    return (
      isTransfer && (refusing.has(payer) || codes.has(payer) || (balances.get(payer) ?? 0n) < value)
    );
  };
  const answered = (call: RpcCall): object => {
    if (isReverted(call)) return { error: { code: 3, message: 'execution reverted' } };
    const result = hidden.has(call.method) ? undefined : answer(call);
    return result === undefined
      ? { error: { code: -32_005, message: 'limit exceeded' } }
      : { result };
  };
  const respond = (body: unknown): Response => {
    if (state.down) return new Response('bad gateway', { status: 502 });
    const batch = body as ({ id: number } & RpcCall)[];
    batches.push(batch);
    return Response.json(
      batch.map(({ id, ...call }) => ({
        jsonrpc: '2.0',
        id,
        ...answered(call),
      })),
    );
  };
  return {
    state,
    balances,
    batches,
    hidden,
    refusing,
    codes,
    mine,
    mineMany,
    emit,
    join,
    pay,
    cancel,
    isUsed,
    respond,
  };
};

export type ScriptedChain = ReturnType<typeof scriptChain>;

/** Answers requests by host. A host without an answer refuses the connection. */
export const answerHosts = (
  hosts: Record<
    string,
    (body: unknown, path: string, headers: Headers) => Response | Promise<Response>
  >,
) =>
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input.toString());
    const respond = hosts[url.host];
    if (respond === undefined) throw new TypeError('connection refused');
    const body = typeof init?.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined;
    return await respond(body, url.pathname, new Headers(init?.headers));
  });
