import * as z from 'zod/mini';
import type { Address, Hex } from '../../core/hex.ts';
import {
  bytesSchema,
  isExecutionError,
  quantitySchema,
  readAnswer,
  type RpcAnswer,
  rpcBatch,
  type RpcCall,
  type RpcFault,
  toQuantity,
} from '../chain/json-rpc.ts';
import type { Result } from '../../core/result.ts';
import type { Payment } from '../../protocol/payment.ts';
import { nonceBitmap, readBit } from '../chain/permit-calls.ts';
import { type Block, type ChainQuery, readFlag, runQueries } from '../chain/query.ts';
import { authorizationState } from '../chain/token-calls.ts';
import type { ContractCall, Payer } from './calldata.ts';
import type { Market } from './fees.ts';
import { amountSchema } from './receipt.ts';

/** The facts that a relayer needs before it sends a transaction. */
export type Facts = {
  readonly head: Block;
  readonly market: Market;
  /** Transactions of the key that are in blocks: the chain's next nonce. */
  readonly count: number;
  /** The key's balance in wei. */
  readonly balance: bigint;
  /** Gas that all transactions of a block may use together. */
  readonly blockGas: number;
};

/** The result of a simulated call. */
export type Simulated =
  | { readonly kind: 'returned'; readonly data: Hex }
  | { readonly kind: 'reverted' }
  /** The node did not answer. */
  | { readonly kind: 'unknown' };

/** A call to simulate, as the key would send it. */
export type Trial = ContractCall & { readonly gas: bigint };

/** The nodes of a chain, as the holder of one key uses them. */
export type Node = {
  facts(): Promise<Facts | undefined>;
  /** Whether a key or a contract verifies the signatures of these accounts. An account without an answer is missing. */
  payers(addresses: readonly Address[]): Promise<ReadonlyMap<Address, Payer>>;
  simulate(trials: readonly Trial[]): Promise<readonly Simulated[]>;
  /** Whether nonces are used or cancelled; undefined without an answer. */
  used(
    token: Address,
    payments: readonly Pick<Payment, 'authorization' | 'permit'>[],
  ): Promise<readonly (boolean | undefined)[]>;
  /** Runs many queries in one JSON-RPC batch (`runQueries`). */
  query<T>(queries: readonly ChainQuery<T>[]): Promise<readonly Result<T, RpcFault>[]>;
  /** Sends a transaction to every node. @returns the error of the first node, if none accepted it. */
  send(raw: Hex): Promise<string | undefined>;
};

const blockSchema = z.object({
  number: quantitySchema,
  timestamp: quantitySchema,
  baseFeePerGas: amountSchema,
  gasLimit: quantitySchema,
});

/** The tip in wei for nodes that advise none. */
const USUAL_TIP = 1_000_000n;
/** Bytes of an answer with the code of every payer of a batch. */
const CODE_BYTES = 8 * 1024 * 1024;

export const openNode = (urls: readonly string[], address: Address): Node => {
  const call = async (
    calls: readonly RpcCall[],
    maxBytes?: number,
  ): Promise<readonly (RpcAnswer | undefined)[]> => {
    const answers = await rpcBatch(urls, calls, maxBytes === undefined ? {} : { maxBytes });
    return answers.ok ? answers.value : [];
  };

  return {
    async facts() {
      const [block, nonce, money, advice] = await call([
        { method: 'eth_getBlockByNumber', params: ['latest', false] },
        { method: 'eth_getTransactionCount', params: [address, 'latest'] },
        { method: 'eth_getBalance', params: [address, 'latest'] },
        { method: 'eth_maxPriorityFeePerGas', params: [] },
      ]);
      const newest = readAnswer(block, blockSchema);
      const count = readAnswer(nonce, quantitySchema);
      const balance = readAnswer(money, amountSchema);
      if (newest === undefined || count === undefined || balance === undefined) return undefined;
      const tip = readAnswer(advice, amountSchema) ?? USUAL_TIP;
      const { baseFeePerGas: baseFee, gasLimit: blockGas, ...head } = newest;
      return { head, market: { baseFee, tip }, count, balance, blockGas };
    },
    async payers(addresses) {
      const distinct = [...new Set(addresses)];
      const answers = await call(
        distinct.map((of) => ({ method: 'eth_getCode', params: [of, 'latest'] })),
        CODE_BYTES,
      );
      return new Map(
        distinct.flatMap((of, at): [Address, Payer][] => {
          const code = readAnswer(answers[at], bytesSchema);
          return code === undefined ? [] : [[of, code === '0x' ? 'key' : 'contract']];
        }),
      );
    },
    async simulate(trials) {
      const answers = await call(
        trials.map(({ to, data, gas }) => ({
          method: 'eth_call',
          params: [{ from: address, to, data, gas: toQuantity(Number(gas)) }, 'latest'],
        })),
      );
      return trials.map((_, at) => readSimulated(answers[at]));
    },
    async used(token, payments) {
      const answers = await call(
        payments.map(({ authorization: { from, nonce }, permit }) =>
          permit === undefined ? authorizationState(token, from, nonce) : nonceBitmap(from, nonce),
        ),
      );
      return payments.map(({ authorization: { nonce }, permit }, at) =>
        permit === undefined ? readFlag(answers[at]) : readBit(answers[at], nonce),
      );
    },
    query: async (queries) => runQueries(urls, queries),
    async send(raw) {
      const send = { method: 'eth_sendRawTransaction', params: [raw] };
      const rejections = await Promise.all(urls.map(async (url) => readRejection(url, send)));
      return rejections.includes(undefined) ? undefined : rejections[0];
    },
  };
};

const readRejection = async (url: string, call: RpcCall): Promise<string | undefined> => {
  const answers = await rpcBatch([url], [call]);
  if (!answers.ok) return answers.error.kind;
  const [answer] = answers.value;
  return answer?.ok === true ? undefined : (answer?.error.message ?? 'nothing');
};

const readSimulated = (answer: RpcAnswer | undefined): Simulated => {
  if (answer === undefined) return { kind: 'unknown' };
  if (!answer.ok) return { kind: isExecutionError(answer.error) ? 'reverted' : 'unknown' };
  const data = readAnswer(answer, bytesSchema);
  return data === undefined ? { kind: 'unknown' } : { kind: 'returned', data };
};
