import type { Address, Hex } from '../../core/hex.ts';
import { min } from '../../protocol/amount.ts';
import { PERMIT2 } from '../../protocol/x402/permit2.ts';
import {
  earliestBlock,
  type ExpectedTransfer,
  findPermitTransfer,
  REORG_MARGIN,
} from './expected-transfer.ts';
import { type RpcAnswer, toQuantity } from './json-rpc.ts';
import { onceFinal, type NonceSearch, UPWARD, WINDOW } from './nonce-search.ts';
import { type Chain, type NextQuery, type ObservationStep, unknown } from './observation.ts';
import {
  invalidationLogs,
  isInvalidated,
  nonceBitmap,
  readBit,
  readCall,
  settledPermit,
} from './permit-calls.ts';
import {
  type Block,
  blockQuery,
  type ChainLog,
  readLogs,
  readNumber,
  readReceipt,
} from './query.ts';
import { allowanceOf, amountWord, balanceOf, transferLogs } from './token-calls.ts';

/** A search for the settlement of a permit whose nonce is used. `facilitator`: the permit's sender, if known. */
type PermitSearch = NonceSearch & { readonly facilitator: Address | undefined };

const HEAD = blockQuery('latest');

/**
 * Observes a Permit2 permit. Permit2 emits no log of a transfer, only of a cancelled nonce. So the settlement of a used nonce is found
 * among the token's transfers from payer to payee: its transaction is a call of the proxy, by the permit's sender, with this nonce.
 *
 * @param facilitator the permit's sender; undefined: the transaction of any sender counts.
 */
export const permitQuery = (
  chain: Chain,
  payment: ExpectedTransfer,
  facilitator: Address | undefined,
): NextQuery => ({
  calls: [
    ...HEAD.calls,
    nonceBitmap(payment.payer, payment.nonce),
    balanceOf(payment.token, payment.payer),
    ...logCalls(payment, toQuantity(earliestBlock(payment)), 'latest'),
  ],
  read: ([block, state, money, ...logs]) => {
    const head = block && HEAD.read([block]);
    const isUsed = readBit(state, payment.nonce);
    const balance = readNumber(money);
    if (head === undefined || isUsed === undefined || balance === undefined) {
      return unknown('the node did not answer about this payment');
    }
    if (isUsed) {
      const search = { chain, payment, head, facilitator };
      const found = readLogPair(logs);
      const windows = () => upward(search, earliestBlock(payment), 0);
      // Hours after acceptance a node may refuse the whole range.
      return found === undefined ? windows() : candidates(search, found, windows);
    }
    if (BigInt(head.timestamp) > payment.validBefore) return pinnedQuery(chain, payment, head);
    return { kind: 'unused', headBlock: head.number, headTime: head.timestamp, balance };
  },
});

const logCalls = ({ token, payer, payTo }: ExpectedTransfer, from: Hex, to: Hex | 'latest') => [
  transferLogs(token, payer, payTo, from, to),
  invalidationLogs(payer, from, to),
];

/** Transfers and cancellations in some blocks. */
type Logs = { readonly transfers: readonly ChainLog[]; readonly invalidated: readonly ChainLog[] };

const readLogPair = ([transfers, invalidated]: readonly RpcAnswer[]): Logs | undefined => {
  const logs = { transfers: readLogs(transfers), invalidated: readLogs(invalidated) };
  return logs.transfers === undefined || logs.invalidated === undefined
    ? undefined
    : { transfers: logs.transfers, invalidated: logs.invalidated };
};

/** How many transactions one batch reads. */
const CANDIDATES = 50;

/**
 * Reads the transactions of transfers, those of the charge first, until one is the settlement.
 *
 * Attack: the payer cancels the permit, and makes a transfer of its own in a transaction that looks like the settlement. So only transactions
 * of the permit's sender count.
 *
 * @param otherwise the next step if none of them is.
 */
const candidates = (
  search: PermitSearch,
  logs: Logs,
  otherwise: () => ObservationStep,
  tried = 0,
): ObservationStep => {
  const { payment, facilitator } = search;
  const charge = amountWord(payment.value);
  const inOrder = logs.transfers.toSorted(
    (one, other) => Number(other.data === charge) - Number(one.data === charge),
  );
  const hashes = [...new Set(inOrder.map(({ transactionHash }) => transactionHash))];
  const some = hashes.slice(tried, tried + CANDIDATES);
  if (some.length === 0) return cancelled(search, logs) ?? otherwise();
  return {
    calls: some.map((hash) => ({ method: 'eth_getTransactionByHash', params: [hash] })),
    read: (answers) => {
      for (const [at, hash] of some.entries()) {
        const call = readCall(answers[at]);
        if (call?.hash !== hash) return unknown('the node did not return a transaction');
        if (facilitator !== undefined && call.from !== facilitator) continue;
        const settled = settledPermit(call);
        if (settled?.nonce === payment.nonce && settled.payer === payment.payer) {
          return receiptQuery(search, hash);
        }
        // Its sender may settle through a contract of its own, which this code cannot read.
        if (settled === undefined && call.input.includes(payment.nonce.slice(2))) {
          return unknown(
            'the nonce is in a transaction of its sender that is no call of the proxy',
          );
        }
      }
      return candidates(search, logs, otherwise, tried + some.length);
    },
  };
};

const receiptQuery = (search: PermitSearch, transaction: Hex): NextQuery => ({
  calls: [{ method: 'eth_getTransactionReceipt', params: [transaction] }],
  read: ([answer]) => {
    const read = readReceipt(answer);
    if (read?.transactionHash !== transaction) {
      return unknown('the node did not return the receipt of the settlement');
    }
    const { blockNumber: block, status, logs } = read;
    const receipt = { succeeded: status === '0x1', block, transaction, logs };
    const kind = findPermitTransfer(search.payment, receipt);
    switch (kind) {
      case 'absent':
        return unknown('the log and its transaction do not agree');
      case 'settled':
        return onceFinal(search, { kind, transaction, block }, receipt);
      case 'spent_otherwise':
        return onceFinal(search, { kind, transaction }, receipt);
    }
  },
});

const cancelled = (search: PermitSearch, { invalidated }: Logs) => {
  const log = invalidated.find(({ data }) => isInvalidated(data, search.payment.nonce));
  if (log === undefined) return undefined;
  const { transactionHash: transaction, blockNumber: block } = log;
  return onceFinal(search, { kind: 'cancelled', transaction }, { transaction, block });
};

/**
 * Searches window by window, for nodes that refuse long ranges, as `searchNonceLog` does. Only a search of every block that could hold the
 * settlement proves that the payer used the nonce for another permit.
 */
const upward = (search: PermitSearch, from: number, round: number): ObservationStep => {
  const { chain, payment, head } = search;
  const count = UPWARD[round];
  if (count === undefined) return unknown('the blocks up to the deadline are too many to read');
  const to = Math.min(head.number, from + count * WINDOW - 1);
  const deep = Math.min(
    to,
    Math.max(0, head.number - Math.max(chain.confirmations - 1, REORG_MARGIN)),
  );
  const final = toQuantity(Math.max(0, head.number - chain.confirmations + 1));
  const time = blockQuery(toQuantity(deep));
  const windows = Array.from(
    { length: Math.max(0, Math.ceil((to - from + 1) / WINDOW)) },
    (_, at) => {
      const start = from + at * WINDOW;
      return logCalls(payment, toQuantity(start), toQuantity(Math.min(to, start + WINDOW - 1)));
    },
  );
  return {
    calls: [...time.calls, nonceBitmap(payment.payer, payment.nonce, final), ...windows.flat()],
    read: ([block, state, ...answers]) => {
      const read = windows.map((_, at) => readLogPair(answers.slice(2 * at)));
      const logs = read.filter((one) => one !== undefined);
      if (logs.length < read.length) return unknown('the node did not return the logs');
      const last = block && time.read([block]);
      if (last?.number !== deep) return unknown('the node did not return a block');
      const isPast = BigInt(last.timestamp) > payment.validBefore;
      const found: Logs = {
        transfers: logs.flatMap(({ transfers }) => transfers),
        invalidated: logs.flatMap(({ invalidated }) => invalidated),
      };
      return candidates(search, found, () => {
        if (!isPast && to < head.number) return upward(search, to + 1, round + 1);
        return isPast && readBit(state, payment.nonce) === true
          ? { kind: 'spent_otherwise' }
          : unknown('the nonce is used, but the node shows no settlement of it');
      });
    },
  };
};

/**
 * Reads bitmap, money and time again at one final block, as `observePayments` does for EIP-3009. Only what Permit2 may transfer counts as
 * money: a payer that withdraws the allowance has made its payment impossible, as if it had spent the balance.
 */
const pinnedQuery = (chain: Chain, payment: ExpectedTransfer, head: Block): NextQuery => {
  const height = Math.max(0, head.number - chain.confirmations + 1);
  const block = toQuantity(height);
  const time = blockQuery(block);
  return {
    calls: [
      ...time.calls,
      nonceBitmap(payment.payer, payment.nonce, block),
      balanceOf(payment.token, payment.payer, block),
      allowanceOf(payment.token, payment.payer, PERMIT2, block),
    ],
    read: ([at, state, ...money]) => {
      const pinned = at === undefined ? undefined : time.read([at]);
      const [owned, allowed] = money.map(readNumber);
      const isUnused = readBit(state, payment.nonce) === false;
      const isKnown = owned !== undefined && allowed !== undefined;
      if (pinned?.number !== height || !isUnused || !isKnown) {
        return unknown('the node did not answer for a final block');
      }
      const { number: headBlock, timestamp: headTime } = pinned;
      return { kind: 'unused', headBlock, headTime, balance: min(owned, allowed) };
    },
  };
};
