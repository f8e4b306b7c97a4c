import type { Hex } from '../../../src/core/hex.ts';
import type { FinishVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Outcome } from '../../../src/protocol/account/call.ts';
import type { PartOf } from '../../../src/protocol/log/new-entry.ts';
import type { Write } from '../../store/noun.ts';
import { sendMore } from '../commands/transfer.ts';
import { append, changed, type Context, type Decision, unstored } from '../decision.ts';
import type { AccountState } from '../state.ts';
import {
  awaitsSettlement,
  type CallRecord,
  type EndState,
  isChargeable,
  isKeepable,
  keepsHold,
  restOf,
} from './call-record.ts';
import { advanced, ended } from './conclude.ts';
import { MOST_WITH_ANSWERS } from './memory-limit.ts';
import * as money from './money.ts';
import { limitsOf, paidFrom } from './permit.ts';

/**
 * Ends a dispatched call with the outcome of its tool (laws 4 and 5). Pure, and idempotent by (call, attempt): a repeat gets the same
 * verdict. A finish after the hold has expired is recorded and charges nothing.
 */
export const finish = (
  state: AccountState,
  record: CallRecord | undefined,
  attempt: `0x${string}`,
  outcome: Outcome,
  context: Context,
): Decision<FinishVerdict> => {
  // Only the attempt that got "go" may finish the call.
  if (record === undefined || record.attempt !== attempt || awaitsSettlement(record)) {
    return unstored(state, { verdict: 'unknown_call' });
  }
  if (record.state !== 'held') {
    return record.state === 'abandoned' &&
      !record.entries.some(({ type }) => type === 'call.finished')
      ? late(state, record, outcome, context)
      : unstored(state, finished(state, record, context));
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
    // A deferred payment is never presented for a charge of 0.
    ...(charged === 0n ? toReleased(record) : advanced(record, 'succeed')),
    state: 'committed',
    charged,
    answer: context.characters() < MOST_WITH_ANSWERS ? outcome.answer : undefined,
  };
  const spent = money.spend(state, record, charged);
  const credited = creditTopUp(spent, committed, context);
  const closed = close(credited.state, committed, outcome, context);
  return { ...closed, writes: [...closed.writes, ...credited.writes] };
};

/**
 * The charge: the price, or less if the tool has a variable price. Where a payment moves exactly what was signed, only a meter may charge
 * less, because verifiers compute its charge again. Before this, `exceeds` turns a charge above the price into a failure.
 */
const chargeOf = (record: CallRecord, { amount, metered }: Outcome): bigint => {
  const isExact = paidFrom(record) === 'payment' && !isChargeable(record);
  const isFixed = record.topUp !== undefined || (isExact && metered === undefined);
  return amount === undefined || isFixed ? record.price : amount;
};

/** Whether the tool charges more than was reserved, or a negative amount. The payer agreed to neither (law 6). */
const exceeds = (record: CallRecord, { amount }: Outcome): boolean =>
  amount !== undefined && (amount > record.price || amount < 0n);

/** Credits a settled top-up: to the payer's own purse, or as a transfer to another account (exactly once, law 5). */
export const creditTopUp = (
  state: AccountState,
  record: CallRecord,
  context: Context,
): { readonly state: AccountState; readonly writes: readonly Write[] } => {
  if (record.topUp === undefined) return { state, writes: [] };
  if (record.topUp === state.account) return { state: money.topUp(state, record), writes: [] };
  return { state, writes: [sendMore(context.read, record.topUp, record.asset, record.price)] };
};

/**
 * A failure costs nothing (law 4). If a tool with `onSilence: keep` is silent, the account keeps the amount that the tool may have spent.
 */
const fail = (
  state: AccountState,
  record: CallRecord,
  outcome: Outcome,
  context: Context,
): Decision<FinishVerdict> => {
  if (record.onSilence === 'keep' && isUnknown(record, outcome)) {
    const kept: CallRecord = { ...record, state: 'abandoned', charged: keptCharge(record) };
    const nextState = isKeepable(kept) ? state : money.spend(state, record, kept.charged);
    return close(nextState, kept, outcome, context);
  }
  // Failures are free, so the answer of a failed tool is not stored: a repeat gets `already_used`.
  const released: CallRecord = { ...toReleased(record), state: 'released' };
  return close(money.release(state, record), released, outcome, context);
};

/**
 * Whether the tool may have spent. A card may be charged although the answer cannot be passed on or names a charge above the price, and a
 * 5xx may come from a proxy in front of the merchant.
 */
const isUnknown = ({ paidBy }: CallRecord, outcome: Outcome): boolean =>
  isSilence(outcome) ||
  (paidBy === 'card' && (outcome.reason !== 'upstream_status' || outcome.status >= 500));

/** The outcome of the tool is unknown: no answer in time, or half of one (law 4). */
const isSilence = (outcome: Outcome): boolean =>
  outcome.reason === 'timeout' || outcome.reason === 'dropped' || outcome.reason === 'truncated';

/** Until an operator resolves the call (`commands/payment-command.ts`), money that moved upfront stays charged, and credit stays held. */
export const keptCharge = (record: CallRecord): bigint =>
  record.paidBy === 'upfront' ? record.price : 0n;

/** A deferred payment that was never presented is released and its signature erased; upfront money stays settled, and becomes credit. */
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
    decision: record.state as EndState,
    policy: record.policy,
    amounts: chargedAmounts(record),
    outcome: {
      success: outcome.success,
      status: outcome.status,
      digest: outcome.digest,
      reason: outcome.reason,
      ...outcome.metered,
    },
    payment: paymentOf(record),
  });
  const ended: CallRecord = { ...entered.record, finishedEntry: entered.hash };
  return changed(entered.state, ended, finished(entered.state, ended, context));
};

/**
 * `kept`: the amount stays held until an operator resolves the call. The entry records this, because D1 has no `onSilence` of the tool.
 * `credited`: the part of a payment that settled before its tool that the call did not charge.
 */
export const paymentOf = (record: CallRecord): PartOf<'call.finished', 'payment'> => {
  const rest = record.payment === 'settled' ? restOf(record) : 0n;
  return {
    state: record.payment,
    paidBy: record.paidBy,
    ...(record.state === 'abandoned' && isKeepable(record) ? { kept: true } : {}),
    ...(rest > 0n ? { credited: rest.toString() } : {}),
  };
};

/** A top-up is charged and credited in one entry, because sums over the log must include both. */
export const chargedAmounts = (record: CallRecord): PartOf<'call.finished', 'amounts'> => ({
  charged: record.charged.toString(),
  ...(record.topUp !== undefined && record.state === 'committed'
    ? { credited: record.price.toString() }
    : {}),
});

/** Records a late finish once. The answer is dropped, because the call has ended without it. */
const late = (
  state: AccountState,
  record: CallRecord,
  outcome: Outcome,
  context: Context,
): Decision<FinishVerdict> => {
  if (record.finishedEntry !== undefined) {
    return unstored(state, tooLate(record, record.finishedEntry));
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
