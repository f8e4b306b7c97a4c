import type { Decision } from '../decision.ts';
import * as money from './money.ts';
import type { Acknowledged } from '../../../src/protocol/account/rpc.ts';
import type { SettlementOutcome, SettlementResult } from '../../../src/protocol/payment.ts';
import { type PaymentEvent, transition } from '../../../src/settlement/transition.ts';
import { put } from '../../store/noun.ts';
import { openOverlay } from '../../store/overlay.ts';
import { append, type Context } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { CALL, loadCall } from './call-noun.ts';
import { spentSignature } from './evidence.ts';
import { burned, type CallRecord, type HeldPayment, isBounced } from './record.ts';

/** A call after the chain was heard; `isNews: false` when it said nothing new (a redelivery, a late "sent"). */
export type Concluded = {
  readonly state: AccountState;
  readonly record: CallRecord;
  readonly isNews: boolean;
};

/**
 * What the chain said of one call's payment (design §6). Pure and idempotent: a final payment does not change again, except that
 * a released one which somebody settled after all becomes credit, and a failed one is settled then, and that happens once.
 */
export const conclude = (
  state: AccountState,
  record: CallRecord,
  result: SettlementOutcome,
  context: Context,
): Concluded => {
  const same: Concluded = { state, record, isNews: false };
  switch (record.payment) {
    case 'none':
    case 'settled':
      return same;
    case 'failed':
      return concludeFailed(state, record, result, context);
    case 'held':
      return record.paidBy === 'upfront' ? concludeUpfront(state, record, result, context) : same;
    case 'queued':
    case 'sent':
      return concludeCommitted(state, record, result, context);
    case 'released':
      return concludeReleased(state, record, result, context);
  }
};

/** Concludes a batch of results, in order; unknown calls have ended and been pruned. */
export const concludeAll = (
  state: AccountState,
  results: readonly SettlementResult[],
  context: Context,
): Decision<Acknowledged> => {
  const overlay = openOverlay(context.read);
  let current = state;
  for (const result of results) {
    const record = loadCall(overlay, result.call);
    const concluded = record && conclude(current, record, result, context);
    if (concluded?.isNews !== true) continue;
    current = concluded.state;
    overlay.add([put(CALL, concluded.record)]);
  }
  return { state: current, writes: [...overlay.writes()], entries: [], verdict: { verdict: 'ok' } };
};

const concludeUpfront = (
  state: AccountState,
  record: CallRecord,
  result: SettlementOutcome,
  context: Context,
): Concluded => {
  switch (result.outcome) {
    // Its tool waits for it: nothing was served on trust.
    case 'sent':
    case 'bounced':
      return { state, record, isNews: false };
    case 'settled':
      return enter(
        money.settleUpfront(state, record, result.block),
        { ...ended(record, 'settle'), transaction: result.transaction },
        record,
        'payment.settled',
        { transaction: result.transaction, block: result.block },
        context,
      );
    // Nothing ran and nothing can move any more: no debt, the hold is given back.
    case 'failed':
      return enter(
        money.giveBack(state, record),
        { ...ended(record, 'fail'), state: 'released' },
        record,
        'payment.failed',
        { fault: 'none', reason: result.reason },
        context,
      );
    case 'released':
      return enter(
        money.giveBack(state, record),
        { ...ended(record, 'release'), state: 'released', looked: true },
        record,
        'payment.released',
        { reason: 'unused' },
        context,
      );
  }
};

const concludeCommitted = (
  state: AccountState,
  record: CallRecord,
  result: SettlementOutcome,
  context: Context,
): Concluded => {
  switch (result.outcome) {
    case 'sent':
      return record.payment === 'sent'
        ? { state, record, isNews: false }
        : { state, record: advanced(record, 'present'), isNews: true };
    case 'settled':
      return enter(
        money.settleDeferred(state, record, result.block),
        { ...ended(record, 'settle'), transaction: result.transaction },
        record,
        'payment.settled',
        { transaction: result.transaction, block: result.block },
        context,
      );
    case 'failed':
      return enter(
        result.fault === 'payer' ? money.owe(state, record) : money.writeOff(state, record),
        ended(record, 'fail'),
        record,
        'payment.failed',
        {
          fault: result.fault,
          reason: result.reason,
          ...(result.transaction === undefined ? {} : { transaction: result.transaction }),
        },
        context,
      );
    case 'bounced':
      return bounce(state, record, result, context);
    // A committed payment is never merely "unused": the consumer says whose fault that was.
    case 'released':
      return { state, record, isNews: false };
  }
};

/**
 * A payment that is owed cannot be presented through its payer: from now on nothing is served to that payer before it is paid for, until
 * this payment has ended (law 7). Written once; its signature stays out of the log, because somebody may still present it.
 */
const bounce = (
  state: AccountState,
  record: CallRecord,
  { reason, backend }: Extract<SettlementOutcome, { readonly outcome: 'bounced' }>,
  context: Context,
): Concluded => {
  if (isBounced(record)) return { state, record, isNews: false };
  const until = Number(record.held?.authorization.validBefore ?? record.validBefore);
  const entered = append(
    money.bounce(state, record, until),
    backend === undefined ? record : advanced(record, 'present'),
    context,
    {
      type: 'payment.bounced',
      amounts: { amount: record.charged.toString() },
      payment: { reason, until, ...(backend === undefined ? {} : { backend }) },
    },
  );
  return { state: entered.state, record: entered.record, isNews: true };
};

/**
 * An operator gave it up without asking the chain, or a block that was taken for final has been reorganised away: what the chain
 * says now is what happened (law 5). What the failure took is given back, once.
 */
const concludeFailed = (
  state: AccountState,
  record: CallRecord,
  result: SettlementOutcome,
  context: Context,
): Concluded => {
  if (result.outcome !== 'settled') return { state, record, isNews: false };
  const { transaction, block } = result;
  const next: CallRecord = { ...record, payment: 'settled', transaction };
  const fault = faultOf(record);
  // Of a call whose tool was never run it is money for nothing, as of a payment that was released.
  const forNothing = fault !== 'payer' && fault !== 'gateway';
  const move = forNothing
    ? money.settleReleased
    : fault === 'payer'
      ? money.settleOwed
      : money.settleWrittenOff;
  return enter(
    move(state, record, block),
    next,
    record,
    'payment.settled',
    {
      transaction,
      block,
      ...(forNothing
        ? { credited: record.price.toString() }
        : fault === 'payer'
          ? { cleared: record.charged.toString() }
          : {}),
    },
    context,
  );
};

const faultOf = ({ entries }: CallRecord): unknown =>
  entries.findLast(({ type }) => type === 'payment.failed')?.payment?.['fault'];

const concludeReleased = (
  state: AccountState,
  record: CallRecord,
  result: SettlementOutcome,
  context: Context,
): Concluded => {
  if (result.outcome === 'sent' || result.outcome === 'bounced') {
    return { state, record, isNews: false };
  }
  if (result.outcome === 'settled') {
    // Also after the look that found it unused: the block of that look may have been reorganised away (law 5).
    return enter(
      money.settleReleased(state, record, result.block),
      { ...ended(record, 'settle'), transaction: result.transaction, looked: true },
      record,
      'payment.settled',
      { transaction: result.transaction, block: result.block, credited: record.price.toString() },
      context,
    );
  }
  if (record.looked) return { state, record, isNews: false };
  const looked: CallRecord = { ...record, looked: true };
  const isExported = (record.entries.at(-1)?.seq ?? 0) <= state.exported;
  return { state, record: isExported ? burned(looked) : looked, isNews: true };
};

/** Moves a call's payment by the table of design §6; an event that is not in it changes nothing. */
export const advanced = (record: CallRecord, event: PaymentEvent): CallRecord => ({
  ...record,
  payment: transition(record.payment, event) ?? record.payment,
});

/** Ends a payment in storage: its signature is of no use to anybody here any more, and must not be (design §6). */
export const ended = (record: CallRecord, event: 'settle' | 'fail' | 'release'): CallRecord => ({
  ...advanced(record, event),
  held: record.held === undefined ? undefined : withoutSignature(record.held),
});

const withoutSignature = ({ signature: _, ...rest }: HeldPayment): HeldPayment => rest;

const enter = (
  state: AccountState,
  next: CallRecord,
  before: CallRecord,
  type: 'payment.settled' | 'payment.failed' | 'payment.released',
  payment: { readonly [key: string]: string | number },
  context: Context,
): Concluded => {
  const entered = append(state, next, context, {
    type,
    // The chain has ended the call with its payment: nothing else will ever say so.
    ...(next.state === before.state
      ? { amounts: { amount: before.price.toString() } }
      : {
          decision: next.state,
          amounts: { amount: before.price.toString(), charged: next.charged.toString() },
        }),
    payment,
    ...(type === 'payment.released' ? {} : { evidence: spentSignature(before.held) }),
  });
  return { state: entered.state, record: entered.record, isNews: true };
};
