import { awaitsSettlement, type CallRecord, type EndState, isKeepable } from './call-record.ts';
import { chargedAmounts, creditTopUp, keptCharge, paymentOf, toReleased } from './finish.ts';
import * as money from './money.ts';
import { append, type Context } from '../decision.ts';
import type { AccountState } from '../state.ts';
import type { NewEntryOf, PartOf } from '../../../src/protocol/log/new-entry.ts';
import type { Write } from '../../store/noun.ts';
import type { Seconds } from '../../../src/core/clock.ts';

/** How long the settled money of an upfront call that never ran waits for a repeat before it becomes credit. */
const REPEAT_GRACE: Seconds = 300;

/** When a held or parked call ends by itself; undefined if only the chain can end it. */
export const expiresAt = (record: CallRecord): Seconds | undefined => {
  if (record.state === 'parked') return record.holdUntil;
  if (record.state !== 'held') return undefined;
  if (!awaitsSettlement(record)) return record.holdUntil;
  return record.payment === 'settled'
    ? Math.min(record.validBefore, record.acceptedAt + REPEAT_GRACE)
    : undefined;
};

/** A call that the alarm has ended. */
export type Expired = {
  readonly state: AccountState;
  readonly record: CallRecord;
  /** Changes outside the record. */
  readonly writes: readonly Write[];
};

/**
 * The alarm's part of a call's life: abandons a dispatched call without a finish, and turns the settled money of an upfront call
 * without a repeat into credit. Pure; undefined if the call's time is not up.
 */
export const expire = (
  state: AccountState,
  record: CallRecord,
  context: Context,
): Expired | undefined => {
  const due = expiresAt(record);
  if (due === undefined || context.now < due) return undefined;
  if (record.state === 'parked') {
    return { ...endParked(state, record, { decision: 'expired' }, context), writes: [] };
  }
  const { next, state: moved, writes = [] } = end(state, record, context);
  const entered = append(moved, next, context, {
    type: 'call.abandoned',
    decision: next.state as EndState,
    amounts: chargedAmounts(next),
    outcome: { reason: awaitsSettlement(record) ? 'never_repeated' : 'no_finish' },
    payment: paymentOf(next),
  });
  return { state: entered.state, record: entered.record, writes };
};

/** Ends a parked call that never ran: releases its hold. Its id stays burned, and its payment gets a last look. */
export const endParked = (
  state: AccountState,
  record: CallRecord,
  end: { readonly decision: 'expired' | 'refused' } & Pick<NewEntryOf<'call.refused'>, 'evidence'>,
  context: Context,
  reason: string = end.decision,
): Pick<Expired, 'state' | 'record'> => {
  const released: CallRecord = { ...toReleased(record), state: 'released' };
  const parked = record.entries.find(({ type }) => type === 'call.parked');
  return append(money.release(state, record), released, context, {
    type: 'call.refused',
    ...end,
    rule: 'approval',
    ...(parked?.binding === undefined ? {} : { binding: parked.binding }),
    policy: record.policy,
    amounts: { price: record.price.toString(), charged: '0' },
    outcome: { reason },
    payment: {
      ...(parked?.payment as PartOf<'call.parked', 'payment'>),
      state: released.payment,
    },
  });
};

type Ended = {
  readonly next: CallRecord;
  readonly state: AccountState;
  readonly writes?: readonly Write[];
};

const end = (state: AccountState, record: CallRecord, context: Context): Ended => {
  // The money of a top-up has moved, and there is no tool that could fail: it becomes the credit that was paid for.
  if (record.topUp !== undefined && record.payment === 'settled') {
    const next: CallRecord = { ...record, state: 'committed', charged: record.price };
    return { next, ...creditTopUp(state, next, context) };
  }
  if (awaitsSettlement(record)) {
    return { next: { ...record, state: 'released' }, state: money.release(state, record) };
  }
  if (record.onSilence === 'keep') {
    const next: CallRecord = { ...record, state: 'abandoned', charged: keptCharge(record) };
    return { next, state: isKeepable(next) ? state : money.spend(state, record, next.charged) };
  }
  return {
    next: { ...toReleased(record), state: 'abandoned' },
    state: money.release(state, record),
  };
};
