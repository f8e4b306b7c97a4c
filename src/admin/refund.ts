import type { Applied, Order } from '../../durable-objects/agent-account/contract.ts';
import { refundsTool } from '../catalog/own-tool.ts';
import type { Config } from '../config.ts';
import { type AccountId, type AssetId, assetId, parseAccountId } from '../core/account-id.ts';
import { problem } from '../core/problem.ts';
import type { Reason } from '../core/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { askerOf } from '../gateway/asker.ts';
import type { Checked } from '../gateway/checked.ts';
import { clientOf } from '../gateway/client.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { observeOwn } from '../gateway/observe.ts';
import { vouch } from '../gateway/vouch.ts';
import { intentFields } from '../intent/agent-intent.ts';
import { tokenOf } from '../x402/tokens.ts';
import { type RefundOrder, readRefundOrder } from './refund-order.ts';
import { askRefund, type RefundTransfer } from './refund-transfer.ts';

/**
 * `POST /admin/credits/refunds`: an operator says that an account's credit was paid back on chain. The chain is asked whether that is
 * so and how much it was; then the account's credit is lowered by it, once for each transfer, however often it is said.
 */
export const refund = async (gateway: Gateway, request: Request): Promise<Response> => {
  const { config } = gateway;
  const seen = await observeOwn(request, config, refundsTool);
  if (!seen.ok) return problem(seen.error);
  const asker = askerOf(gateway, refundsTool, seen.value, request.headers);
  if (!asker.ok) return asker.error;
  const operator = asker.value;
  // Before anything is said about the order. Whoever only claims to be an operator hears the same as everybody else.
  if (!config.operators.includes(operator.payer)) return problem({ reason: 'forbidden' });
  // No account remembers an operator, so the chain says each time whether its key may sign for it (§4.7).
  const vouched = await vouch(gateway, operator, clientOf(request.headers));
  if (!vouched.ok) {
    const { reason } = vouched.error;
    return problem(reason === 'invalid_signature' ? { reason: 'forbidden' } : vouched.error);
  }
  const order = readRefundOrder(config, seen.value.body);
  if (!order.ok) return problem(order.error);

  const found = await search(config, order.value);
  if (!found.ok) return problem(found.error);
  const { asset, transfer } = found.value;
  const { account, transaction } = order.value;
  const applied = await apply(gateway, account, {
    kind: 'refund',
    asset,
    amount: transfer.amount,
    transaction,
    place: transfer.place,
    block: transfer.block,
    order: evidenceOf(operator),
  });
  if (applied.verdict === 'unavailable') return problem({ reason: 'storage_unavailable' });
  return Response.json(
    {
      account,
      asset,
      amount: transfer.amount.toString(),
      credit: applied.credit.toString(),
      transaction,
      log_index: transfer.logIndex,
      known: applied.verdict === 'known',
    },
    { headers: { 'Cache-Control': 'private, no-store' } },
  );
};

const search = async (
  config: Config,
  { account, transaction, logIndex }: RefundOrder,
): Promise<Result<{ readonly asset: AssetId; readonly transfer: RefundTransfer }, Reason>> => {
  const parsed = parseAccountId(account);
  const token = parsed && tokenOf(parsed.network);
  const payTo = parsed && config.payTo.get(parsed.network);
  const urls = parsed && config.rpcUrls.get(parsed.network);
  if (parsed === undefined || token === undefined || payTo === undefined || urls === undefined) {
    return err({ reason: 'internal' });
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

/** The order as it was signed, so that the log can show who gave it. */
const evidenceOf = ({ intent, signature }: Checked) => ({
  fields: intent === undefined ? {} : intentFields(intent),
  signature,
});

/** Any error on the way is a refusal; the order may be sent again (law 2). */
const apply = async (gateway: Gateway, account: AccountId, order: Order): Promise<Applied> => {
  try {
    return await gateway.account(account).apply(order);
  } catch (cause) {
    console.error({ event: 'refund_failed', account, cause: String(cause) });
    return { verdict: 'unavailable' };
  }
};
