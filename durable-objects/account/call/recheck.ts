import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { SettlementMessage } from '../../../src/protocol/payment.ts';
import type { Context } from '../decision.ts';
import { firstSendAt, settlementMessage } from '../log/outbox.ts';
import type { AccountState } from '../state.ts';
import { loadCall } from './call-noun.ts';
import type { CallRecord } from './record.ts';

/** The most calls of one request. */
export const MAX_LOOKS = 50;

/**
 * Builds settlement messages for payments that moved on the chain although they are not settled here: the queue consumer looks at the
 * chain, which decides (law 5). Also for released and failed payments, for which nothing else is due. Stores nothing.
 */
export const recheckMessages = (
  { account }: AccountState,
  calls: readonly Hex[],
  { now, read }: Pick<Context, 'now' | 'read'>,
): readonly SettlementMessage[] =>
  calls.slice(0, MAX_LOOKS).flatMap((id) => {
    const record = loadCall(read, id);
    return record !== undefined && mayLook(record, now)
      ? (settlementMessage(account, record) ?? [])
      : [];
  });

const mayLook = (record: CallRecord, now: Seconds): boolean => {
  switch (record.payment) {
    case 'none':
    case 'settled':
      return false;
    // Its attempt or its tool is still running; both look at the chain when they end.
    case 'held':
      return (firstSendAt(record) ?? Infinity) <= now;
    case 'queued':
    case 'sent':
    case 'failed':
    case 'released':
      return true;
  }
};
