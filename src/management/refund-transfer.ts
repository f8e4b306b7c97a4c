import type { Address, Hex } from '../core/hex.ts';
import { MAX_STORED } from '../protocol/amount.ts';
import type { RpcAnswer } from '../settlement/chain/json-rpc.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { blockQuery, type ChainLog, readReceipt } from '../settlement/chain/query.ts';
import type { Chain } from '../settlement/chain/observation.ts';
import { isFinal } from '../settlement/chain/expected-transfer.ts';
import { runQueries, type ChainQuery } from '../settlement/chain/query.ts';
import { addressWord, TRANSFER } from '../settlement/chain/token-calls.ts';

/** The transfer that a refund must show on the chain. */
export type RefundSearch = {
  readonly token: Address;
  /** The gateway's `payTo` on the chain, and its operators. */
  readonly senders: readonly Address[];
  readonly receiver: Address;
  readonly transaction: Hex;
  readonly logIndex: number | undefined;
};

/** A final transfer of the token to the account. `amount`: atomic units, as in the log. */
export type RefundTransfer = {
  readonly amount: bigint;
  readonly logIndex: number;
  /** The index of the log in its transaction. Unlike the index in the block it survives a reorganisation. */
  readonly place: number;
  readonly block: number;
};

const FINAL_PAUSE = 5;
const HEAD = blockQuery('latest');

/** Reads a refund from the chain, head and receipt in one batch. */
export const findRefund = async (
  chain: Chain,
  search: RefundSearch,
): Promise<Result<RefundTransfer, Reason>> => {
  const question: ChainQuery<Result<RefundTransfer, Reason>> = {
    // Head first: the receipt is of this block or a newer one, so confirmations are counted too low, never too high.
    calls: [...HEAD.calls, { method: 'eth_getTransactionReceipt', params: [search.transaction] }],
    read: ([block, receipt]) => judge(chain, search, block, receipt),
  };
  const [answer] = await runQueries(chain.urls, [question]);
  return answer?.ok === true ? answer.value : err({ reason: 'payer_unreachable' });
};

const judge = (
  chain: Chain,
  search: RefundSearch,
  block: RpcAnswer | undefined,
  answer: RpcAnswer | undefined,
): Result<RefundTransfer, Reason> => {
  const head = block && HEAD.read([block]);
  if (head === undefined || answer?.ok !== true) return err({ reason: 'payer_unreachable' });
  if (answer.value === null) return err({ reason: 'unknown_transaction' });
  const receipt = readReceipt(answer);
  if (receipt === undefined || receipt.transactionHash !== search.transaction) {
    return err({ reason: 'payer_unreachable' });
  }
  // A reverted transaction moved nothing, whatever logs a node returns with it.
  if (receipt.status !== '0x1') return err({ reason: 'unknown_transaction' });
  if (!isFinal(receipt.blockNumber, head.number, chain.confirmations)) {
    return err({ reason: 'transaction_not_final', retryAfter: FINAL_PAUSE });
  }
  const all = receipt.logs.filter((log) => isRefund(search, log));
  const named =
    search.logIndex === undefined ? all : all.filter((log) => log.logIndex === search.logIndex);
  const [log] = named;
  if (log === undefined) return err({ reason: 'no_refund' });
  if (named.length > 1) {
    return err({
      reason: 'malformed_request',
      field: 'body.log_index',
      hint: `must name the transfer, one of: ${named.map((each) => each.logIndex).join(', ')}`,
    });
  }
  const first = receipt.logs.reduce((least, each) => Math.min(least, each.logIndex), log.logIndex);
  return ok({
    amount: BigInt(log.data),
    logIndex: log.logIndex,
    place: log.logIndex - first,
    block: receipt.blockNumber,
  });
};

/**
 * Counts only logs of the pinned token (any contract can emit the same topics), only money of the operator (a payment from anyone else is no
 * refund), and only transfers to another address.
 */
const isRefund = (
  { token, senders, receiver }: RefundSearch,
  { address, topics, data }: ChainLog,
): boolean =>
  address === token &&
  topics.length === 3 &&
  topics[0] === TRANSFER &&
  senders.some((sender) => sender !== receiver && topics[1] === addressWord(sender)) &&
  topics[2] === addressWord(receiver) &&
  data.length === 66 &&
  BigInt(data) > 0n &&
  BigInt(data) <= MAX_STORED;
