import type { Seconds } from '../../../src/core/clock.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { SettlementMessage } from '../../../src/protocol/payment.ts';
import { RESEND_FIRST, sendAt, type Sending } from '../../store/outbox.ts';
import { expiresAt } from '../call/expire.ts';
import { awaitsSettlement, type CallRecord } from '../call/record.ts';

/** A call on which work is still due, and how often the account sent it to the settlement queue. */
export type Live = Sending & {
  readonly record: CallRecord;
  /** An alert was raised because its payment is open for too long. */
  readonly alerted?: boolean;
};

/** A released payment gets its last look this long after its authorization has ended. */
export const LOOK_DELAY: Seconds = 30;

/** When to send this call to the settlement queue (again); undefined if nothing is to be sent. */
export const settleAt = ({ record, ...sending }: Live): Seconds | undefined => {
  const first = firstSendAt(record);
  if (first === undefined) return undefined;
  return Math.max(first, sendAt(sending));
};

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

/** When this call next needs the alarm. A message that is due now leaves with this commit; the alarm only sends it again. */
export const dueAt = (live: Live, now: Seconds): Seconds | undefined => {
  const send = settleAt(live);
  const resend = send !== undefined && send <= now ? now + RESEND_FIRST : send;
  const times = [expiresAt(live.record), resend].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
};

/** The settlement message of a call: enough to present and to look, so that the queue consumer needs nothing else. */
export const settlementMessage = (
  account: AccountId,
  record: CallRecord,
): SettlementMessage | undefined => {
  if (record.held === undefined) return undefined;
  const { token, authorization, signature, maxTimeoutSeconds } = record.held;
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
    sinceBlock: record.sinceBlock,
    acceptedAt: record.acceptedAt,
  };
};
