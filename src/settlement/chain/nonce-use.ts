import {
  earliestBlock,
  type ExpectedTransfer,
  findTransfer,
  isFinal,
  type Receipt,
} from './expected-transfer.ts';
import {
  type Chain,
  type NextQuery,
  type Observation,
  type ObservationStep,
  unknown,
} from './observation.ts';
import { type Block, type ChainLog, readLogs, readReceipt } from './query.ts';
import { AUTHORIZATION_CANCELED, tokenLogs } from './token-calls.ts';

/** A payment that is searched for, and the head of its chain when the search began. */
export type NonceSearch = {
  readonly chain: Chain;
  readonly payment: ExpectedTransfer;
  readonly head: Block;
};

/**
 * Concludes from the log that used or cancelled a nonce what became of its payment. Reads the log's transaction to see whether a Transfer
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
const onceFinal = (
  { chain, head }: NonceSearch,
  observation: Observation,
  { transaction, block }: Pick<Receipt, 'transaction' | 'block'>,
): Observation =>
  isFinal(block, head.number, chain.confirmations)
    ? observation
    : { kind: 'unconfirmed', transaction, block };
