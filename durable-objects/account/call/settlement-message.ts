import { awaitsSettlement, type CallRecord, permitCharge } from './call-record.ts';
import { loadCall } from './stored-call.ts';
import type { Context } from '../decision.ts';
import type { AccountState } from '../state.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { SettlementMessage } from '../../../src/protocol/payment.ts';

/** A released payment gets its last look this long after its authorization has ended. */
export const LOOK_DELAY: Seconds = 30;

/** When its payment first has a message to send; undefined if it has none. */
export const firstSendAt = (record: CallRecord): Seconds | undefined => {
  if (record.held === undefined) return undefined;
  switch (record.payment) {
    case 'queued':
    case 'sent':
      return 0;
    // An attempt ended between settle and dispatch: the queue consumer looks at the chain once the attempt's lease has expired.
    case 'held':
      return awaitsSettlement(record) ? record.holdUntil : undefined;
    case 'released':
      return record.hadLastLook ? undefined : record.validBefore + LOOK_DELAY;
    case 'none':
    case 'settled':
    case 'failed':
      return undefined;
  }
};

/** The settlement message of a call: everything that the queue consumer needs to present the payment and to observe the chain. */
export const settlementMessage = (
  account: AccountId,
  record: CallRecord,
): SettlementMessage | undefined => {
  if (record.held === undefined) return undefined;
  const { token, authorization, signature, maxTimeoutSeconds, permit } = record.held;
  const charge = permitCharge(record);
  const presents = record.payment === 'queued' || record.payment === 'sent';
  if (presents && signature === undefined) return undefined;
  return {
    v: 1,
    kind: presents ? 'settle' : 'look',
    account,
    call: record.id,
    token,
    authorization: {
      from: authorization.from,
      to: authorization.to,
      value: authorization.value.toString(),
      validAfter: authorization.validAfter.toString(),
      validBefore: authorization.validBefore.toString(),
      nonce: authorization.nonce,
    },
    ...(presents && signature !== undefined ? { signature } : {}),
    maxTimeoutSeconds,
    ...(permit === undefined ? {} : { permit }),
    ...(charge === undefined ? {} : { charge: charge.toString() }),
    sinceBlock: record.sinceBlock,
    acceptedAt: record.acceptedAt,
  };
};

/** The most calls of one request. */
const MAX_LOOKS = 50;

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
    // The attempt or the tool of the call is still running; both observe the chain when they end.
    case 'held':
      return (firstSendAt(record) ?? Infinity) <= now;
    case 'queued':
    case 'sent':
    case 'failed':
    case 'released':
      return true;
  }
};
