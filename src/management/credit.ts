import { assetId, parseAccountId } from '../protocol/account-id.ts';
import { tokenOf } from '../protocol/x402/tokens.ts';
import type { Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import { applyOrder } from './command.ts';
import { refuse, reply } from './reply.ts';

/** An operator gives an account credit, or takes it. */
export const adjust: Handler<'credits.adjust'> = async ({ context, params, body, by, order }) => {
  const { account } = params;
  const { asset, amount, reason } = body;
  const on = parseAccountId(account)?.network;
  const token = on === undefined ? undefined : tokenOf(on);
  const expected = on === undefined || token === undefined ? '' : assetId(on, token.address);
  // Credit of what no tool is sold for could never be used, and would stand in every list.
  if (asset !== expected) {
    return refuse({
      reason: 'malformed_field',
      field: 'body.asset',
      hint: `must be what this gateway sells for on the account’s chain: ${expected}`,
    });
  }
  const applied = await applyOrder(context, account, {
    ...{ kind: 'adjust', asset, amount, reason, by, order },
  });
  if (!applied.ok) return applied;
  const { credit } = applied.value;
  const adjusted: AnswerOf<'credits.adjust'> = {
    ...{ account, asset, amount: amount.toString(), credit: credit.toString() },
  };
  return reply(adjusted);
};
