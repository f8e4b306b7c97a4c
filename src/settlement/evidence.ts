import * as z from 'zod/mini';
import type { Hex } from '../core/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import {
  addressSchema,
  bytesSchema,
  quantitySchema,
  readAnswer,
  type RpcFault,
  toQuantity,
  wordSchema,
} from '../core/json-rpc.ts';
import type { Result } from '../core/result.ts';
import { isFinal, judge, type Look, type Receipt } from './judge.ts';
import { askAll, type Question } from './question.ts';
import {
  AUTHORIZATION_CANCELED,
  authorizationLogs,
  authorizationState,
  balanceOf,
} from './token-calls.ts';

/** Where to read a chain, and how many blocks, the settlement's own included, make it final. */
export type Chain = {
  readonly urls: readonly [string, ...string[]];
  readonly confirmations: number;
};

/** What the chain says of one payment. Only `settled`, `spent_otherwise` and `cancelled` are final by themselves. */
export type ChainView =
  | { readonly view: 'settled'; readonly transaction: Hex; readonly block: number }
  /** The nonce was used or cancelled, in a block that may still be reorganised away. */
  | { readonly view: 'unconfirmed'; readonly transaction: Hex; readonly block: number }
  /**
   * The nonce is unused. State, time and balance are of one and the same block, `headBlock`, which is final whenever its
   * time is past validBefore: so `headTime > validBefore` says that the money can never move. The clock of the Worker
   * says no such thing: a chain that stood still goes on with blocks dated in the past (a rollup fills the gap of its
   * sequencer), and a settlement fits into those. While no block past validBefore exists, nothing is released.
   */
  | {
      readonly view: 'unused';
      readonly headBlock: number;
      readonly headTime: Seconds;
      readonly balance: bigint;
    }
  | { readonly view: 'spent_otherwise'; readonly transaction: Hex }
  | { readonly view: 'cancelled'; readonly transaction: Hex }
  /** The node did not say, or said what cannot be: never a ground for a verdict. */
  | { readonly view: 'unknown'; readonly why: string };

type Block = { readonly number: number; readonly timestamp: Seconds };

const blockSchema = z.object({ number: quantitySchema, timestamp: quantitySchema });

const logSchema = z.object({
  address: addressSchema,
  topics: z.array(wordSchema).check(z.maxLength(4)),
  data: bytesSchema,
  logIndex: quantitySchema,
  blockNumber: quantitySchema,
  transactionHash: wordSchema,
});
const logsSchema = z.array(logSchema);

const receiptSchema = z.object({
  status: z.enum(['0x0', '0x1']),
  blockNumber: quantitySchema,
  transactionHash: wordSchema,
  logs: logsSchema,
});

/**
 * Reads the chain for many payments in two JSON-RPC batches: the head, nonce states, balances and the logs of the nonces;
 * then the receipts of the transactions found, and for what looks forever unused the same facts pinned to a final block.
 *
 * @returns one view a look, in their order; `unknown` for all of them when no node answers.
 */
export const lookUp = async (
  chain: Chain,
  looks: readonly Look[],
): Promise<readonly ChainView[]> => {
  const sights = await askAll(chain.urls, looks.map(firstQuestion));
  const next = looks.map((look, at): ChainView | Question<ChainView> => {
    const sight = sights[at];
    if (sight?.ok !== true) return unanswered(sight);
    return secondQuestion(chain, look, sight.value);
  });
  const questions = next.filter((one): one is Question<ChainView> => 'calls' in one);
  const answers = (await askAll(chain.urls, questions)).values();
  return next.map((one) => {
    if (!('calls' in one)) return one;
    const answer = answers.next().value;
    return answer?.ok === true ? answer.value : unanswered(answer);
  });
};

const askBlock = (block: Hex | 'latest'): Question<Block | undefined> => ({
  calls: [{ method: 'eth_getBlockByNumber', params: [block, false] }],
  read: ([answer]) => readAnswer(answer, blockSchema),
});

const HEAD = askBlock('latest');

type Sight = {
  readonly head: Block | undefined;
  readonly used: boolean | undefined;
  readonly balance: bigint | undefined;
  readonly logs: z.output<typeof logsSchema> | undefined;
};

const firstQuestion = (look: Look): Question<Sight> => ({
  calls: [
    // First, and equal for every look, so sent once: what follows is of this block or a newer one.
    ...HEAD.calls,
    authorizationState(look.token, look.payer, look.nonce),
    balanceOf(look.token, look.payer),
    authorizationLogs(look.token, look.payer, look.nonce, toQuantity(look.sinceBlock), 'latest'),
  ],
  read: ([head, state, balance, logs]) => ({
    head: head && HEAD.read([head]),
    used: flag(readAnswer(state, wordSchema)),
    balance: number(readAnswer(balance, wordSchema)),
    logs: readAnswer(logs, logsSchema),
  }),
});

const secondQuestion = (
  chain: Chain,
  look: Look,
  { head, used, balance, logs }: Sight,
): ChainView | Question<ChainView> => {
  if (head === undefined || used === undefined || balance === undefined || logs === undefined) {
    return unknown('the node did not answer about this payment');
  }
  const log = logs[0];
  if (log?.topics[0] === AUTHORIZATION_CANCELED) {
    const transaction = log.transactionHash;
    return isFinal(log.blockNumber, head.number, chain.confirmations)
      ? { view: 'cancelled', transaction }
      : { view: 'unconfirmed', transaction, block: log.blockNumber };
  }
  if (log !== undefined) return askReceipt(chain, look, head, log.transactionHash);
  if (used) return askEarlier(look);
  if (BigInt(head.timestamp) > look.validBefore) return askPinned(chain, look, head);
  return { view: 'unused', headBlock: head.number, headTime: head.timestamp, balance };
};

const askReceipt = (
  chain: Chain,
  look: Look,
  head: Block,
  transaction: Hex,
): Question<ChainView> => ({
  calls: [{ method: 'eth_getTransactionReceipt', params: [transaction] }],
  read: ([answer]) => {
    const read = readAnswer(answer, receiptSchema);
    if (read === undefined || read.transactionHash !== transaction) {
      return unknown('the receipt of the transaction is not to be had');
    }
    const receipt: Receipt = {
      succeeded: read.status === '0x1',
      block: read.blockNumber,
      transaction,
      logs: read.logs.map((log) => ({ ...log, index: log.logIndex })),
    };
    const judgement = judge(look, receipt);
    if (judgement === 'absent') return unknown('the log and its receipt do not agree');
    if (!isFinal(receipt.block, head.number, chain.confirmations)) {
      return { view: 'unconfirmed', transaction, block: receipt.block };
    }
    return judgement === 'settled'
      ? { view: 'settled', transaction, block: receipt.block }
      : { view: 'spent_otherwise', transaction };
  },
});

/**
 * A nonce that is used but has no log since acceptance: either the node's logs lag behind its state, or the payer sent a
 * payment it had spent before. Only the earlier log proves the latter, so that an honest payer never owes by lag.
 */
const askEarlier = (look: Look): ChainView | Question<ChainView> => {
  const lag = unknown('the nonce is used, but its log is not to be had');
  if (look.sinceBlock === 0) return lag;
  const until = toQuantity(look.sinceBlock - 1);
  return {
    calls: [authorizationLogs(look.token, look.payer, look.nonce, '0x0', until)],
    read: ([answer]) => {
      const log = readAnswer(answer, logsSchema)?.[0];
      if (log === undefined) return lag;
      const view = log.topics[0] === AUTHORIZATION_CANCELED ? 'cancelled' : 'spent_otherwise';
      return { view, transaction: log.transactionHash };
    },
  };
};

/**
 * Unused, and the head is past validBefore. Calls of one batch may see different heads (load-balanced nodes lag), and the
 * head may be reorganised into blocks dated before validBefore: so state, balance and time are read again at one final
 * block, by its number.
 */
const askPinned = (chain: Chain, look: Look, head: Block): Question<ChainView> => {
  const height = Math.max(0, head.number - chain.confirmations + 1);
  const block = toQuantity(height);
  const time = askBlock(block);
  return {
    calls: [
      ...time.calls,
      authorizationState(look.token, look.payer, look.nonce, block),
      balanceOf(look.token, look.payer, block),
    ],
    read: ([at, state, money]) => {
      const pinned = at === undefined ? undefined : time.read([at]);
      const used = flag(readAnswer(state, wordSchema));
      const balance = number(readAnswer(money, wordSchema));
      if (pinned?.number !== height || used !== false || balance === undefined) {
        return unknown('the node did not answer for a final block');
      }
      return { view: 'unused', headBlock: pinned.number, headTime: pinned.timestamp, balance };
    },
  };
};

const unknown = (why: string): ChainView => ({ view: 'unknown', why });

const unanswered = (answer: Result<unknown, RpcFault> | undefined): ChainView =>
  unknown(`the node did not answer: ${answer?.ok === false ? answer.error.kind : 'nothing'}`);

const number = (word: Hex | undefined): bigint | undefined =>
  word === undefined ? undefined : BigInt(word);

/** A Solidity bool: anything but 0 and 1 is no answer. */
const flag = (word: Hex | undefined): boolean | undefined => {
  const value = number(word);
  if (value === 0n) return false;
  return value === 1n ? true : undefined;
};
