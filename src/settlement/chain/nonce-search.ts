import {
  earliestBlock,
  type ExpectedTransfer,
  findTransfer,
  isFinal,
  type Receipt,
  REORG_MARGIN,
} from './expected-transfer.ts';
import { type RpcAnswer, toQuantity } from './json-rpc.ts';
import {
  type Chain,
  type NextQuery,
  type Observation,
  type ObservationStep,
  unknown,
} from './observation.ts';
import { type Block, blockQuery, type ChainLog, readFlag, readLogs, readReceipt } from './query.ts';
import {
  AUTHORIZATION_CANCELED,
  authorizationLogs,
  authorizationState,
  tokenLogs,
} from './token-calls.ts';

/** A payment that is searched for, and the head of its chain when the search began. */
export type NonceSearch = {
  readonly chain: Chain;
  readonly payment: ExpectedTransfer;
  readonly head: Block;
};

/** Blocks whose logs are requested in one call: strict nodes allow this many. */
export const WINDOW = 2_000;
/**
 * Windows read upward, per batch; most chains need the first batch only. The sum, 92,000 blocks, covers a chain of twenty blocks a
 * second: a settlement lies between acceptance and `validBefore`, at most 4,260 seconds (an authorization of 3,660 seconds, accepted
 * on facts 600 seconds old).
 */
export const UPWARD = [2, 4, 8, 16, 16];
const DOWNWARD = 8;

/**
 * Searches for the log of a used nonce, window by window, for nodes that refuse long ranges: upward from the earliest block that
 * counts, to the head or to a block past `validBefore`; then downward into the time before acceptance.
 *
 * A missing log proves that the nonce was `spent_otherwise` only after every block was read that could hold a settlement: all up to a
 * block past `validBefore` that is deep enough to be known to every node, with the nonce used in a final block. Until then the
 * observation is `unknown`, so that an honest payer never owes because a node's logs lag behind its state.
 */
export const searchNonceLog = (search: NonceSearch): ObservationStep =>
  upward(search, earliestBlock(search.payment), 0);

const upward = (search: NonceSearch, from: number, round: number): ObservationStep => {
  const { chain, payment, head } = search;
  const count = UPWARD[round];
  if (count === undefined) return unknown('the blocks up to validBefore are too many to read');
  const to = Math.min(head.number, from + count * WINDOW - 1);
  const depth = Math.max(chain.confirmations - 1, REORG_MARGIN);
  const deep = Math.min(to, Math.max(0, head.number - depth));
  const final = Math.max(0, head.number - chain.confirmations + 1);
  const time = blockQuery(toQuantity(deep));
  return {
    calls: [
      ...time.calls,
      authorizationState(payment.token, payment.payer, payment.nonce, toQuantity(final)),
      ...windowCalls(search, from, to),
    ],
    read: ([block, state, ...windows]) => {
      const found = readWindows(windows);
      if (found === undefined) return unknown('the node did not return the logs of the nonce');
      if (found[0] !== undefined) return nonceUse(search, found[0]);
      const last = block && time.read([block]);
      if (last?.number !== deep) return unknown('the node did not return a block');
      const isPast = BigInt(last.timestamp) > payment.validBefore;
      if (!isPast && to < head.number) return upward(search, to + 1, round + 1);
      return downward(
        search,
        isPast && readFlag(state) === true
          ? { kind: 'spent_otherwise' }
          : unknown('the nonce is used, but the node has no log of it'),
      );
    },
  };
};

/** Reads the blocks before acceptance. A log there names the transaction and proves at once what otherwise only time proves. */
const downward = (search: NonceSearch, otherwise: Observation): Observation | NextQuery => {
  const to = earliestBlock(search.payment) - 1;
  if (to < 0) return otherwise;
  return {
    calls: windowCalls(search, Math.max(0, to - DOWNWARD * WINDOW + 1), to),
    read: (windows) => {
      const log = readWindows(windows)?.[0];
      return log === undefined ? otherwise : nonceUse(search, log);
    },
    failed: () => otherwise,
  };
};

const windowCalls = ({ payment }: NonceSearch, from: number, to: number) =>
  Array.from({ length: Math.max(0, Math.ceil((to - from + 1) / WINDOW)) }, (_, at) => {
    const start = from + at * WINDOW;
    const end = Math.min(to, start + WINDOW - 1);
    return authorizationLogs(
      payment.token,
      payment.payer,
      payment.nonce,
      toQuantity(start),
      toQuantity(end),
    );
  });

/**
 * The logs of these windows. A log that was found counts even if other windows are missing. Finding none counts only if no window is
 * missing.
 */
const readWindows = (windows: readonly RpcAnswer[]): readonly ChainLog[] | undefined => {
  const read = windows.map(readLogs);
  const logs = read.flatMap((one) => one ?? []);
  return logs.length > 0 || !read.includes(undefined) ? logs : undefined;
};

/**
 * Concludes the outcome of a payment from the log that used or cancelled its nonce. Reads the log's transaction to see whether a Transfer
 * follows.
 */
export const nonceUse = (search: NonceSearch, log: ChainLog): ObservationStep => {
  const { transactionHash: transaction, blockNumber: block } = log;
  if (log.topics[0] === AUTHORIZATION_CANCELED) {
    return onceFinal(search, { kind: 'cancelled', transaction }, { transaction, block });
  }
  if (block < earliestBlock(search.payment)) {
    return onceFinal(search, { kind: 'spent_otherwise', transaction }, { transaction, block });
  }
  return receiptQuery(search, log);
};

const receiptQuery = (search: NonceSearch, log: ChainLog): NextQuery => ({
  calls: [{ method: 'eth_getTransactionReceipt', params: [log.transactionHash] }],
  read: ([answer]) => {
    const read = readReceipt(answer);
    if (read === undefined) return tokenLogsQuery(search, log);
    if (read.transactionHash !== log.transactionHash) {
      return unknown('the node returned the receipt of another transaction');
    }
    return observationOf(search, {
      succeeded: read.status === '0x1',
      block: read.blockNumber,
      transaction: read.transactionHash,
      logs: read.logs,
    });
  },
  failed: () => tokenLogsQuery(search, log),
});

/** Logs of one token in a full block: more than one answer may have elsewhere, and no more than an isolate can hold. */
const BLOCK_BYTES = 16 * 1024 * 1024;

/**
 * Reads the token's logs in the block of a transaction if its receipt is not available.
 *
 * Attack: a payer spends its nonce amid megabytes of other contracts' logs, to keep its payment open forever (law 5). No filter on topics:
 * the log that follows `AuthorizationUsed` decides, so no log of the token may be left out. A transaction that has logs succeeded.
 */
const tokenLogsQuery = (search: NonceSearch, log: ChainLog): NextQuery => ({
  calls: [tokenLogs(search.payment.token, log.blockNumber)],
  maxBytes: BLOCK_BYTES,
  read: ([answer]) => {
    const logs = readLogs(answer);
    if (logs === undefined) {
      return unknown('the node returns neither receipt nor logs of the transaction');
    }
    const own = logs.filter(
      (one) => one.transactionHash === log.transactionHash && one.blockNumber === log.blockNumber,
    );
    return observationOf(search, {
      succeeded: true,
      block: log.blockNumber,
      transaction: log.transactionHash,
      logs: own,
    });
  },
});

const observationOf = (search: NonceSearch, receipt: Receipt): Observation => {
  const { transaction, block } = receipt;
  const kind = findTransfer(search.payment, receipt);
  switch (kind) {
    case 'absent':
      return unknown('the log and its transaction do not agree');
    case 'settled':
      return onceFinal(search, { kind, transaction, block }, receipt);
    case 'spent_otherwise':
      return onceFinal(search, { kind, transaction }, receipt);
  }
};

/** The observation if its block is final, else `unconfirmed` (law 5). */
export const onceFinal = (
  { chain, head }: NonceSearch,
  observation: Observation,
  { transaction, block }: Pick<Receipt, 'transaction' | 'block'>,
): Observation =>
  isFinal(block, head.number, chain.confirmations)
    ? observation
    : { kind: 'unconfirmed', transaction, block };
