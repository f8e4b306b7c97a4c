import type { Config } from '../config.ts';
import { type AssetId, assetId, parseAccountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { tokenOf } from '../protocol/x402/tokens.ts';
import type { AdminRequest, Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import { applyOrder } from './command.ts';
import { askRefund, type RefundTransfer } from './refund-transfer.ts';
import { reply } from './reply.ts';

/**
 * `POST /admin/credits/refunds`: an operator says that an account's credit was paid back on chain. The chain is asked whether that is
 * so and how much it was; then the account's credit is lowered by it, once for each transfer, however often it is said.
 */
export const refund: Handler<'credits.refund'> = async ({ context, body, by, order }) => {
  const found = await search(context.config, body);
  if (!found.ok) return found;
  const { asset, transfer } = found.value;
  const { account, transaction } = body;
  const { amount, place, block } = transfer;
  const applied = await applyOrder(context, account, {
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
  const transfer = await askRefund(
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
