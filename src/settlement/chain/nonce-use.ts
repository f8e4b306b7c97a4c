import { type Asking, type Chain, type ChainView, type Step, unknown } from './observation.ts';
import { type Block, type ChainLog, readLogs, readReceipt } from '../chain-answer.ts';
import { earliestBlock, isFinal, judge, type Look, type Receipt } from './expected-transfer.ts';
import { AUTHORIZATION_CANCELED, tokenLogs } from './token-calls.ts';

/** One payment that is searched for, and the head of its chain when the search began. */
export type Search = { readonly chain: Chain; readonly look: Look; readonly head: Block };

/** What the log that used or cancelled a nonce says of its payment; whether a Transfer follows is asked of its transaction. */
export const spendingOf = (search: Search, log: ChainLog): Step => {
  const { transactionHash: transaction, blockNumber: block } = log;
  if (log.topics[0] === AUTHORIZATION_CANCELED) {
    return onceFinal(search, { view: 'cancelled', transaction }, { transaction, block });
  }
  if (block < earliestBlock(search.look)) {
    return onceFinal(search, { view: 'spent_otherwise', transaction }, { transaction, block });
  }
  return askReceipt(search, log);
};

const askReceipt = (search: Search, log: ChainLog): Asking => ({
  calls: [{ method: 'eth_getTransactionReceipt', params: [log.transactionHash] }],
  read: ([answer]) => {
    const read = readReceipt(answer);
    if (read === undefined) return askTokenLogs(search, log);
    if (read.transactionHash !== log.transactionHash) return unknown('the receipt is another one');
    return judged(search, {
      succeeded: read.status === '0x1',
      block: read.blockNumber,
      transaction: read.transactionHash,
      logs: read.logs.map((one) => ({ ...one, index: one.logIndex })),
    });
  },
  failed: () => askTokenLogs(search, log),
});

/** Logs of one token in a full block: more than one answer may commonly have, and no more than an isolate can hold. */
const BLOCK_BYTES = 16 * 1024 * 1024;

/**
 * The token's logs in the block of a transaction, instead of its receipt. A payer who spends a nonce amid megabytes of other
 * logs must not keep its payment open for ever (law 5). All logs of the token and no choice of topics: what follows the
 * `AuthorizationUsed` decides, so nothing of the token may be left out. That there are logs says that it succeeded.
 */
const askTokenLogs = (search: Search, log: ChainLog): Asking => ({
  calls: [tokenLogs(search.look.token, log.blockNumber)],
  maxBytes: BLOCK_BYTES,
  read: ([answer]) => {
    const logs = readLogs(answer);
    if (logs === undefined)
      return unknown('neither receipt nor logs of the transaction are to be had');
    const own = logs.filter(
      (one) => one.transactionHash === log.transactionHash && one.blockNumber === log.blockNumber,
    );
    return judged(search, {
      succeeded: true,
      block: log.blockNumber,
      transaction: log.transactionHash,
      logs: own.map((one) => ({ ...one, index: one.logIndex })),
    });
  },
});

const judged = (search: Search, receipt: Receipt): ChainView => {
  const { transaction, block } = receipt;
  switch (judge(search.look, receipt)) {
    case 'absent':
      return unknown('the log and its transaction do not agree');
    case 'settled':
      return onceFinal(search, { view: 'settled', transaction, block }, receipt);
    case 'spent_otherwise':
      return onceFinal(search, { view: 'spent_otherwise', transaction }, receipt);
  }
};

/** A verdict about a block holds once the block is final (law 5). */
const onceFinal = (
  { chain, head }: Search,
  view: ChainView,
  { transaction, block }: Pick<Receipt, 'transaction' | 'block'>,
): ChainView =>
  isFinal(block, head.number, chain.confirmations)
    ? view
    : { view: 'unconfirmed', transaction, block };
