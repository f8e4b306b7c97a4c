import * as money from './money.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { FinishVerdict, Outcome } from '../../../src/protocol/account/finish.ts';
import type { Json } from '../../../src/protocol/entry.ts';
import type { Write } from '../../store/noun.ts';
import { sendMore } from '../commands/transfer.ts';
import { append, changed, type Context, type Decision, unchanged } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { limitsOf, paidFrom } from './permit.ts';
import { awaitsSettlement, type CallRecord, isKeepable, keepsHold } from './record.ts';
import { advanced, ended } from './settled.ts';

/**
 * Ends a dispatched call with what its tool did (laws 4 and 5). Pure, and idempotent by (call, attempt): a repeat hears the same
 * verdict. A finish after the hold has ended is recorded and charges nothing.
 */
export const finish = (
  state: AccountState,
  record: CallRecord | undefined,
  attempt: `0x${string}`,
  outcome: Outcome,
  context: Context,
): Decision<FinishVerdict> => {
  // Only the attempt that was told to run can say how it went.
  if (record === undefined || record.attempt !== attempt || awaitsSettlement(record)) {
    return unchanged(state, { verdict: 'unknown_call' });
  }
  if (record.state !== 'held') {
    return record.state === 'abandoned' &&
      !record.entries.some(({ type }) => type === 'call.finished')
      ? late(state, record, outcome, context)
      : unchanged(state, finished(state, record, context));
  }
  return outcome.success && !exceeds(record, outcome)
    ? commit(state, record, outcome, context)
    : fail(state, record, outcome, context);
};

const commit = (
  state: AccountState,
  record: CallRecord,
  outcome: Outcome,
  context: Context,
): Decision<FinishVerdict> => {
  const charged = chargeOf(record, outcome);
  const committed: CallRecord = {
    ...advanced(record, 'succeed'),
    state: 'committed',
    charged,
    answer: outcome.answer,
  };
  const spent = money.spend(state, record, charged);
  const credited = creditTopUp(spent, committed, context);
  const closed = close(credited.state, committed, outcome, context);
  return { ...closed, writes: [...closed.writes, ...credited.writes] };
};

/**
 * What the tool charges: its price, or less where its price is variable and credit pays (an EIP-3009 value is exact). More than was
 * reserved never gets here as a success; if it did, it would be a failure (`exceeds`).
 */
const chargeOf = (record: CallRecord, { amount }: Outcome): bigint =>
  amount === undefined || paidFrom(record) !== 'credit' ? record.price : amount;

/** Whether the tool charges more than was reserved, or less than nothing: nobody has agreed to that (law 6). */
const exceeds = (record: CallRecord, { amount }: Outcome): boolean =>
  amount !== undefined && (amount > record.price || amount < 0n);

/** Where the money of a settled top-up goes: on the payer's own purse, or on its way to another account (exactly once, law 5). */
export const creditTopUp = (
  state: AccountState,
  record: CallRecord,
  context: Context,
): { readonly state: AccountState; readonly writes: readonly Write[] } => {
  if (record.topUp === undefined) return { state, writes: [] };
  if (record.topUp === state.account) return { state: money.topUp(state, record), writes: [] };
  return { state, writes: [sendMore(context.read, record.topUp, record.asset, record.price)] };
};

/** Law 4: failure costs nothing. Silence of a tool that spends on someone's behalf keeps what it may have spent. */
const fail = (
  state: AccountState,
  record: CallRecord,
  outcome: Outcome,
  context: Context,
): Decision<FinishVerdict> => {
  const silent = isSilence(outcome);
  if (silent && record.onSilence === 'keep') {
    const kept: CallRecord = { ...record, state: 'abandoned', charged: keptCharge(record) };
    const nextState = isKeepable(kept) ? state : money.spend(state, record, kept.charged);
    return close(nextState, kept, outcome, context);
  }
  // Failures are free, so nothing that a tool sent with one is kept: a repeat is told that the proof is used.
  const released: CallRecord = { ...toReleased(record), state: 'released' };
  return close(money.giveBack(state, record), released, outcome, context);
};

/** Nobody knows what the tool did: no answer in time, or half of one (law 4). */
const isSilence = (outcome: Outcome): boolean =>
  outcome.reason === 'timeout' || outcome.reason === 'dropped' || outcome.reason === 'truncated';

/** Money that moved upfront stays charged, credit is only held: until an operator resolves it (`resolve.ts`). */
export const keptCharge = (record: CallRecord): bigint =>
  record.paidBy === 'upfront' ? record.price : 0n;

/** A deferred payment that was never handed out is released and its signature erased; upfront money stays settled, as credit. */
export const toReleased = (record: CallRecord): CallRecord =>
  record.payment === 'held' ? ended(record, 'release') : record;

const close = (
  state: AccountState,
  record: CallRecord,
  outcome: Outcome,
  context: Context,
): Decision<FinishVerdict> => {
  const entered = append(state, record, context, {
    type: 'call.finished',
    decision: record.state,
    policy: record.policy,
    amounts: chargedAmounts(record),
    outcome: {
      success: outcome.success,
      status: outcome.status,
      digest: outcome.digest,
      reason: outcome.reason,
    },
    payment: paymentOf(record),
  });
  const ended: CallRecord = { ...entered.record, finishedEntry: entered.hash };
  return changed(entered.state, ended, finished(entered.state, ended, context));
};

/** `kept`: its amount waits for an operator; D1 does not know what its tool does on silence. */
export const paymentOf = (record: CallRecord): { readonly [key: string]: Json } => ({
  state: record.payment,
  paidBy: record.paidBy,
  ...(record.state === 'abandoned' && isKeepable(record) ? { kept: true } : {}),
});

/** A top-up is paid for and credited at once: who adds up what was earned must see both. */
export const chargedAmounts = (record: CallRecord): { readonly [key: string]: string } => ({
  charged: record.charged.toString(),
  ...(record.topUp !== undefined && record.state === 'committed'
    ? { credited: record.price.toString() }
    : {}),
});

/** Recorded once; its answer is nobody's any more, because the call has ended without it. */
const late = (
  state: AccountState,
  record: CallRecord,
  outcome: Outcome,
  context: Context,
): Decision<FinishVerdict> => {
  if (record.finishedEntry !== undefined) {
    return unchanged(state, tooLate(record, record.finishedEntry));
  }
  const entered = append(state, record, context, {
    type: 'call.late',
    amounts: { charged: '0' },
    outcome: { success: outcome.success, status: outcome.status, digest: outcome.digest },
  });
  return changed(
    entered.state,
    { ...entered.record, finishedEntry: entered.hash },
    tooLate(record, entered.hash),
  );
};

const tooLate = (record: CallRecord, entry: Hex): FinishVerdict => ({
  verdict: 'late',
  state: record.state,
  payment: record.payment,
  charged: record.charged,
  kept: keepsHold(record),
  entry,
});

const finished = (state: AccountState, record: CallRecord, context: Context): FinishVerdict => ({
  verdict: 'finished',
  state: record.state,
  charged: record.charged,
  paidFrom: paidFrom(record),
  payment: record.payment,
  kept: keepsHold(record),
  ...(record.transaction === undefined ? {} : { transaction: record.transaction }),
  entry: record.acceptedEntry,
  policy: record.policy,
  limits: limitsOf(state, record, context),
});
