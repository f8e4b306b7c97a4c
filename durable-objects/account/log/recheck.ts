import type { Hex } from '../../../src/core/hex.ts';
import type { Rechecked } from '../../../src/protocol/account/rpc.ts';
import type { SettlementMessage } from '../../../src/protocol/payment.ts';
import { recheckMessages } from '../call/settlement-message.ts';
import { unstored } from '../decision.ts';
import type { Ledger } from '../ledger.ts';
import { openPresenter } from './present-payments.ts';

/**
 * Sends payments on which ledger and chain differ to the settlement queue again. Writes nothing: the next reconciliation repeats the
 * request.
 */
export const recheck = async (
  ledger: Ledger,
  env: Env,
  calls: readonly Hex[],
): Promise<Rechecked> => {
  const messages = await ledger.submit<readonly SettlementMessage[] | undefined>(
    (state, context) => unstored(state, recheckMessages(state, calls, context)),
    undefined,
  );
  if (messages === undefined) return { verdict: 'unavailable' };
  await openPresenter(env).enqueue(messages);
  return { verdict: 'rechecking', calls: messages.map(({ call }) => call) };
};
