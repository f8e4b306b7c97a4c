import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { SettlementMessage } from '../../../src/protocol/payment.ts';
import type { Context } from '../decision.ts';
import { firstSendAt, settlementMessage } from '../log/outbox.ts';
import type { AccountState } from '../state.ts';
import { loadCall } from './call-noun.ts';
import type { CallRecord } from './record.ts';

/** Calls that are looked at again for one request, at most. */
export const MOST_LOOKS = 50;

/**
 * What the settlement queue is told of payments whose money was seen to move although they are not settled here: it looks, and what it
 * sees is what happened (law 5). Of one that was released or has failed, too, for which nothing is due any more. Nothing is stored.
 */
export const looksAgain = (
  { account }: AccountState,
  calls: readonly Hex[],
  { now, read }: Pick<Context, 'now' | 'read'>,
): readonly SettlementMessage[] =>
  calls.slice(0, MOST_LOOKS).flatMap((id) => {
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
    // Its own attempt is at work, or its tool is: each asks the chain, or has it asked, when it is done.
    case 'held':
      return (firstSendAt(record) ?? Infinity) <= now;
    case 'queued':
    case 'sent':
    case 'failed':
    case 'released':
      return true;
  }
};
