import type { SettlementMessage } from '../../../src/protocol/payment.ts';

/** Messages of one `sendBatch`, well under its 256 KB. */
const BATCH = 50;

/**
 * Hands payments over to be presented, or to be looked at. May lose some: the account sends a payment again until it has committed its
 * end.
 *
 * @throws if some could not be handed over.
 */
export const presentPayments = async (
  { SETTLEMENT_QUEUE }: Pick<Env, 'SETTLEMENT_QUEUE'>,
  messages: readonly SettlementMessage[],
): Promise<void> => {
  for (let at = 0; at < messages.length; at += BATCH) {
    await SETTLEMENT_QUEUE.sendBatch(messages.slice(at, at + BATCH).map((body) => ({ body })));
  }
};
