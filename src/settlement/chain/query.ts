import * as z from 'zod/mini';
import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import { ok, type Result } from '../../core/result.ts';
import {
  addressSchema,
  bytesSchema,
  quantitySchema,
  readAnswer,
  type RpcAnswer,
  rpcBatch,
  type RpcCall,
  type RpcFault,
  type RpcOptions,
  wordSchema,
} from './json-rpc.ts';

/** JSON-RPC calls, and the function that reads their answers. */
export type ChainQuery<T> = {
  readonly calls: readonly RpcCall[];
  readonly read: (answers: readonly RpcAnswer[]) => T;
  /** How many bytes of the answer are read when this query is sent alone. */
  readonly maxBytes?: number;
};

/** An observation of fifty payments. A provider rejects a batch above its limit whole, and every payment in it would stay open. */
export const MAX_CALLS = 160;
/** Batches at once: an invocation has six connections, and a request that waits for one times out. */
const AT_ONCE = 4;

/**
 * Runs many queries in JSON-RPC batches of at most `MAX_CALLS` calls. Equal calls of a batch are sent once: payments of one transaction
 * share its receipt. A query is never divided, so all its answers are of one node.
 *
 * @returns one result per query, in the order of the queries.
 */
export const runQueries = async <T>(
  urls: readonly string[],
  queries: readonly ChainQuery<T>[],
  options: RpcOptions = {},
): Promise<readonly Result<T, RpcFault>[]> => {
  const batches = batchesOf(queries);
  const results: (readonly Result<T, RpcFault>[])[] = batches.map(() => []);
  const waiting = batches.entries();
  const work = async (): Promise<void> => {
    for (const [at, batch] of waiting) results[at] = await runBatch(urls, batch, options);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, batches.length) }, work));
  return results.flat();
};

/** Divides queries into batches of at most `MAX_CALLS` different calls, or of one query. */
const batchesOf = <T>(queries: readonly ChainQuery<T>[]): readonly (readonly ChainQuery<T>[])[] => {
  const batches: ChainQuery<T>[][] = [];
  let calls = new Set<string>();
  for (const query of queries) {
    const own = query.calls.map((call) => JSON.stringify(call));
    const last = batches.at(-1);
    if (
      last !== undefined &&
      calls.size + own.filter((call) => !calls.has(call)).length <= MAX_CALLS
    ) {
      last.push(query);
    } else {
      batches.push([query]);
      calls = new Set();
    }
    for (const call of own) calls.add(call);
  }
  return batches;
};

/**
 * Runs one batch.
 *
 * Attack: a payer spends its nonce in a transaction with megabytes of logs, so that the batch exceeds the size limit. The batch is
 * halved and sent again until only that payer's query fails.
 */
const runBatch = async <T>(
  urls: readonly string[],
  queries: readonly ChainQuery<T>[],
  options: RpcOptions,
): Promise<readonly Result<T, RpcFault>[]> => {
  const calls = new Map<string, RpcCall>();
  for (const call of queries.flatMap((query) => query.calls)) {
    calls.set(JSON.stringify(call), call);
  }
  const [first] = queries;
  const isAlone = queries.length === 1 && first?.maxBytes !== undefined;
  const limits = isAlone ? { ...options, maxBytes: first.maxBytes } : options;
  const answers = await rpcBatch(urls, [...calls.values()], limits);
  if (answers.ok) {
    const byCall = new Map([...calls.keys()].map((key, at) => [key, answers.value[at]]));
    return queries.map(({ calls: own, read }) =>
      ok(read(own.map((call) => byCall.get(JSON.stringify(call)) as RpcAnswer))),
    );
  }
  if (answers.error.kind !== 'too_large' || queries.length < 2) return queries.map(() => answers);
  const middle = queries.length >> 1;
  const halves = [queries.slice(0, middle), queries.slice(middle)];
  return (await Promise.all(halves.map(async (half) => runBatch(urls, half, options)))).flat();
};

export type Block = { readonly number: number; readonly timestamp: Seconds };

const blockSchema = z.object({ number: quantitySchema, timestamp: quantitySchema });

const logsSchema = z.array(
  z.object({
    address: addressSchema,
    topics: z.array(wordSchema).check(z.maxLength(4)),
    data: bytesSchema,
    logIndex: quantitySchema,
    blockNumber: quantitySchema,
    transactionHash: wordSchema,
  }),
);

export const receiptSchema = z.object({
  status: z.enum(['0x0', '0x1']),
  blockNumber: quantitySchema,
  transactionHash: wordSchema,
  logs: logsSchema,
});

export type ChainLog = z.output<typeof logsSchema>[number];

/** Reads a block by number, or the newest one. */
export const blockQuery = (block: Hex | 'latest'): ChainQuery<Block | undefined> => ({
  calls: [{ method: 'eth_getBlockByNumber', params: [block, false] }],
  read: ([answer]) => readAnswer(answer, blockSchema),
});

export const readLogs = (answer: RpcAnswer | undefined): readonly ChainLog[] | undefined =>
  readAnswer(answer, logsSchema);

export const readReceipt = (answer: RpcAnswer | undefined) => readAnswer(answer, receiptSchema);

/** Reads a Solidity `uint256`. */
export const readNumber = (answer: RpcAnswer | undefined): bigint | undefined => {
  const word = readAnswer(answer, wordSchema);
  return word === undefined ? undefined : BigInt(word);
};

/** Reads a Solidity `bool`. Any other word than 0 or 1 is not an answer. */
export const readFlag = (answer: RpcAnswer | undefined): boolean | undefined => {
  const value = readNumber(answer);
  if (value === 0n) return false;
  return value === 1n ? true : undefined;
};
