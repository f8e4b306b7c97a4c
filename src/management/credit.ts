import type { Config } from '../config.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type AssetId, assetId, parseAccountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { tokenOf } from '../protocol/x402/tokens.ts';
import { sendCreditCommand } from './command.ts';
import type { CREDIT_ROUTES } from './credit.route.ts';
import type { AdminRequest, Handler, Handlers } from './handler.ts';
import { findRefund, type RefundTransfer } from './refund-transfer.ts';
import { refuse, reply } from './reply.ts';
import type { AnswerOf } from './types.ts';

/** Gives or takes credit of an account. */
const adjust: Handler<'credits.adjust'> = async ({ context, params, body, by, order }) => {
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
  const command = { kind: 'adjust', asset, amount, reason, by, order } as const;
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
const refund: Handler<'credits.refund'> = async ({ context, body, by, order }) => {
  const found = await search(context.config, body);
  if (!found.ok) return found;
  const { asset, transfer } = found.value;
  const { account, transaction } = body;
  const { amount, place, block } = transfer;
  const applied = await sendCreditCommand(context, account, {
    ...{ kind: 'refund', asset, amount, transaction, place, block, by, order },
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
): Promise<Result<{ readonly asset: AssetId; readonly transfer: RefundTransfer }, Reason>> => {
  const parsed = parseAccountId(account);
  const token = parsed && tokenOf(parsed.network);
  const payTo = parsed && config.payTo.get(parsed.network);
  const urls = parsed && config.rpcUrls.get(parsed.network);
  if (parsed === undefined || token === undefined || payTo === undefined || urls === undefined) {
    return err({ reason: 'malformed_field', field: 'body.account', hint: ACCOUNT });
  }
  const transfer = await findRefund(
    { urls, confirmations: config.confirmations },
    {
      token: token.address,
      senders: [payTo, ...config.operators],
      receiver: parsed.address,
      transaction,
      logIndex,
    },
  );
  return transfer.ok
    ? ok({ asset: assetId(parsed.network, token.address), transfer: transfer.value })
    : transfer;
};

export const creditHandlers: Handlers<keyof typeof CREDIT_ROUTES> = {
  'credits.adjust': adjust,
  'credits.refund': refund,
};
