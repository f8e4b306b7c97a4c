import * as z from 'zod/mini';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import {
  addressSchema,
  bytesSchema,
  quantitySchema,
  readAnswer,
  type RpcAnswer,
  wordSchema,
} from './chain/json-rpc.ts';
import type { Question } from './chain/question.ts';

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

/** Asks for a block by number, or for the newest one. */
export const askBlock = (block: Hex | 'latest'): Question<Block | undefined> => ({
  calls: [{ method: 'eth_getBlockByNumber', params: [block, false] }],
  read: ([answer]) => readAnswer(answer, blockSchema),
});

export const readLogs = (answer: RpcAnswer | undefined): readonly ChainLog[] | undefined =>
  readAnswer(answer, logsSchema);

export const readReceipt = (answer: RpcAnswer | undefined) => readAnswer(answer, receiptSchema);

/** A Solidity number. */
export const readNumber = (answer: RpcAnswer | undefined): bigint | undefined => {
  const word = readAnswer(answer, wordSchema);
  return word === undefined ? undefined : BigInt(word);
};

/** A Solidity bool: anything but 0 and 1 is no answer. */
export const readFlag = (answer: RpcAnswer | undefined): boolean | undefined => {
  const value = readNumber(answer);
  if (value === 0n) return false;
  return value === 1n ? true : undefined;
};
