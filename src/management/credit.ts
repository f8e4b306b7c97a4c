import type { Config } from '../config/config.ts';
import type { Address, Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import { assetId, type Network, parseAccountId, type TokenId } from '../protocol/account-id.ts';
import { MAX_STORED } from '../protocol/amount.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { isFinal } from '../settlement/chain/expected-transfer.ts';
import type { RpcAnswer } from '../settlement/chain/json-rpc.ts';
import type { Chain } from '../settlement/chain/observation.ts';
import { whileWaiting } from '../settlement/chain/payer.ts';
import {
  blockQuery,
  type ChainLog,
  type ChainQuery,
  readReceipt,
  runQueries,
} from '../settlement/chain/query.ts';
import { addressWord, TRANSFER } from '../settlement/chain/token-calls.ts';
import { sendCreditCommand } from './command.ts';
import type { CREDIT_ROUTES } from './credit.route.ts';
import type { AdminRequest, Handler, Handlers } from './handler.ts';
import { refuse, reply } from './reply.ts';
import type { AnswerOf } from './routes.ts';

/** Gives or takes credit of an account. */
const adjust: Handler<'credits.adjust'> = async ({ context, params, body, by, intent }) => {
  const { account } = params;
  const { asset, amount, reason } = body;
  const network = parseAccountId(account)?.network;
  const token = network === undefined ? undefined : tokenOf(network);
  const expected =
    network === undefined || token === undefined ? '' : assetId(network, token.address);
  // Reject credit in assets that no tool accepts: it could never be spent.
  if (asset !== expected) {
    return refuse({
      reason: 'malformed_field',
      field: 'body.asset',
      hint: `must be the asset of this gateway’s tools on the account’s chain: ${expected}`,
    });
  }
  const command = { kind: 'adjust', asset, amount, reason, by, intent } as const;
  const applied = await sendCreditCommand(context, account, command);
  if (!applied.ok) return applied;
  const { credit } = applied.value;
  const adjusted: AnswerOf<'credits.adjust'> = {
    ...{ account, asset, amount: amount.toString(), credit: credit.toString() },
  };
  return reply(adjusted);
};

/**
 * Records that an operator paid credit back on chain. The amount comes from the chain, and the account lowers its credit by it once for each
 * transfer, however often the operator reports it.
 */
const refund: Handler<'credits.refund'> = async ({ context, body, by, intent }) => {
  const found = await search(context.config, body);
  if (!found.ok) return found;
  const { asset, transfer } = found.value;
  const { account, transaction, call } = body;
  const { amount, place, block } = transfer;
  const applied = await sendCreditCommand(context, account, {
    ...{ kind: 'refund', asset, amount, transaction, place, block, by, intent },
    ...withoutUndefined({ call }),
  });
  if (!applied.ok) return applied;
  const { credit, known } = applied.value;
  const refunded: AnswerOf<'credits.refund'> = {
    ...{ account, asset, amount: amount.toString(), credit: credit.toString() },
    ...{ transaction, log_index: transfer.logIndex, known },
  };
  return reply(refunded);
};

const ACCOUNT = 'must be an account in lower-case CAIP-10 form, on a network of this gateway';

const search = async (
  config: Config,
  { account, transaction, log_index: logIndex }: AdminRequest<'credits.refund'>['body'],
): Promise<Result<{ readonly asset: TokenId; readonly transfer: RefundTransfer }, Reason>> => {
  const parsed = parseAccountId(account);
  const token = parsed && tokenOf(parsed.network);
  const payees = parsed && config.payees.get(parsed.network);
  const urls = parsed && config.rpcUrls.get(parsed.network);
  if (parsed === undefined || token === undefined || payees === undefined || urls === undefined) {
    return err({ reason: 'malformed_field', field: 'body.account', hint: ACCOUNT });
  }
  const transfer = await findRefund(
    { urls, confirmations: config.confirmations },
    {
      network: parsed.network,
      token: token.address,
      senders: [...payees, ...config.operators],
      receiver: parsed.address,
      transaction,
      logIndex,
    },
  );
  return transfer.ok
    ? ok({ asset: assetId(parsed.network, token.address), transfer: transfer.value })
    : transfer;
};

const unreachable = ({ network }: RefundSearch): Reason => ({
  reason: 'payer_unreachable',
  ...{ network, needs: 'transfer' },
});

/** The transfer that a refund must show on the chain. */
type RefundSearch = {
  readonly network: Network;
  readonly token: Address;
  /** The gateway's payees on the chain, former ones included, and its operators. */
  readonly senders: readonly Address[];
  readonly receiver: Address;
  readonly transaction: Hex;
  readonly logIndex: number | undefined;
};

/** A final transfer of the token to the account. `amount`: atomic units, as in the log. */
type RefundTransfer = {
  readonly amount: bigint;
  readonly logIndex: number;
  /** The index of the log in its transaction. Unlike the index in the block it survives a reorganisation. */
  readonly place: number;
  readonly block: number;
};

const FINAL_PAUSE = 5;
const HEAD = blockQuery('latest');

/** Reads a refund from the chain, head and receipt in one batch. */
const findRefund = async (
  chain: Chain,
  search: RefundSearch,
): Promise<Result<RefundTransfer, Reason>> => {
  const question: ChainQuery<Result<RefundTransfer, Reason>> = {
    // Read the head first: the receipt is then of this block or a newer one, so the count of confirmations is too low, never too high.
    calls: [...HEAD.calls, { method: 'eth_getTransactionReceipt', params: [search.transaction] }],
    read: ([block, receipt]) => judge(chain, search, block, receipt),
  };
  const [answer] = await runQueries(chain.urls, [question], whileWaiting(chain.urls));
  return answer?.ok === true ? answer.value : err(unreachable(search));
};

const judge = (
  chain: Chain,
  search: RefundSearch,
  block: RpcAnswer | undefined,
  answer: RpcAnswer | undefined,
): Result<RefundTransfer, Reason> => {
  const head = block && HEAD.read([block]);
  if (head === undefined || answer?.ok !== true) return err(unreachable(search));
  if (answer.value === null) return err({ reason: 'unknown_transaction' });
  const receipt = readReceipt(answer);
  if (receipt === undefined || receipt.transactionHash !== search.transaction) {
    return err(unreachable(search));
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
 * Counts only logs of the pinned token (any contract can emit the same topics), only money of the operator (a payment from anyone else is
 * not a refund), and only transfers to another address.
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

export const creditHandlers: Handlers<keyof typeof CREDIT_ROUTES> = {
  'credits.adjust': adjust,
  'credits.refund': refund,
};
