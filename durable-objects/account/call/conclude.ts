import {
  type CallRecord,
  type HeldPayment,
  isBounced,
  paymentAmount,
  reduced,
  restOf,
} from './call-record.ts';
import { CALL, loadCall } from './stored-call.ts';
import { spentSignature } from './evidence.ts';
import * as money from './money.ts';
import { append, type Context, type Decision } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { put } from '../../store/noun.ts';
import { openOverlay } from '../../store/overlay.ts';
import type { Acknowledged } from '../../../src/protocol/account/rpc.ts';
import type { NewCallEntry, PartOf } from '../../../src/protocol/log/new-entry.ts';
import type { SettlementOutcome, SettlementResult } from '../../../src/protocol/payment.ts';
import { type PaymentEvent, transition } from '../../../src/settlement/transition.ts';

/** A call after a result from the chain. `isNews` is false if the result changes nothing (a redelivery, a late "sent"). */
export type Concluded = {
  readonly state: AccountState;
  readonly record: CallRecord;
  readonly isNews: boolean;
};

/**
 * Concludes one call's payment from a result of the chain. Pure and idempotent. A final payment does not change again, with two
 * exceptions, each once: a released payment that moved after all becomes credit, and a failed payment that moved is settled.
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

/** Concludes a batch of results, in order. Unknown calls have ended and been pruned. */
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
    // The tool waits for this payment: nothing was served on trust.
    case 'sent':
    case 'bounced':
      return { state, record, isNews: false };
    case 'settled':
      return withEntry(
        money.settleUpfront(state, record, result.block),
        { ...ended(record, 'settle'), transaction: result.transaction },
        record,
        'payment.settled',
        { transaction: result.transaction, block: result.block },
        context,
      );
    // Nothing ran, and the money can no longer move: no debt, the hold is released.
    case 'failed':
      return withEntry(
        money.release(state, record),
        { ...ended(record, 'fail'), state: 'released' },
        record,
        'payment.failed',
        { fault: 'none', reason: result.reason },
        context,
      );
    case 'released':
      return withEntry(
        money.release(state, record),
        { ...ended(record, 'release'), state: 'released', hadLastLook: true },
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
      return withEntry(
        money.settleDeferred(state, record, result.block),
        { ...ended(record, 'settle'), transaction: result.transaction },
        record,
        'payment.settled',
        { transaction: result.transaction, block: result.block, ...creditedRest(record) },
        context,
      );
    case 'failed':
      return withEntry(
        result.fault === 'payer' ? money.recordDebt(state, record) : money.writeOff(state, record),
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
    // A committed payment is never merely "unused": the queue consumer decides whose fault that was.
    case 'released':
      return { state, record, isNews: false };
  }
};

/**
 * An accepted payment cannot be presented because of its payer. Until it has ended, the account gets no deferred service (law 7).
 * Entered once. The signature stays out of the log, because it may still be presented.
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
      amounts: { amount: paymentAmount(record).toString() },
      payment: { reason, until, ...(backend === undefined ? {} : { backend }) },
    },
  );
  return { state: entered.state, record: entered.record, isNews: true };
};

/**
 * A failed payment has settled: an operator had written it off without asking the chain, or a reorganisation removed a block that was
 * final. The chain decides (law 5). Returns what the failure took, once.
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
  // The tool of this call never ran, so its money bought nothing, as with a released payment.
  const forNothing = fault !== 'payer' && fault !== 'gateway';
  const move = forNothing
    ? money.settleReleased
    : fault === 'payer'
      ? money.settleDebt
      : money.settleWrittenOff;
  return withEntry(
    move(state, record, block),
    next,
    record,
    'payment.settled',
    {
      transaction,
      block,
      ...(forNothing ? { credited: record.price.toString() } : creditedRest(record)),
      ...(fault === 'payer' ? { cleared: record.charged.toString() } : {}),
    },
    context,
  );
};

/** `credited`: the part of a payment that has now settled that its call did not charge. */
const creditedRest = (record: CallRecord): { readonly credited?: string } => {
  const rest = restOf(record);
  return rest > 0n ? { credited: rest.toString() } : {};
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
    // Applies even if the last look found the nonce unused: a reorganisation may have removed the block of that look (law 5).
    return withEntry(
      money.settleReleased(state, record, result.block),
      { ...ended(record, 'settle'), transaction: result.transaction, hadLastLook: true },
      record,
      'payment.settled',
      { transaction: result.transaction, block: result.block, credited: record.price.toString() },
      context,
    );
  }
  if (record.hadLastLook) return { state, record, isNews: false };
  const looked: CallRecord = { ...record, hadLastLook: true };
  const isExported = (record.entries.at(-1)?.seq ?? 0) <= state.exported;
  return { state, record: isExported ? reduced(looked) : looked, isNews: true };
};

/** Moves a payment by the table in `src/settlement/transition.ts`; an event that the table does not allow changes nothing. */
export const advanced = (record: CallRecord, event: PaymentEvent): CallRecord => ({
  ...record,
  payment: transition(record.payment, event) ?? record.payment,
});

/** Ends a payment in storage, and erases its signature: nothing needs it here any more. */
export const ended = (record: CallRecord, event: 'settle' | 'fail' | 'release'): CallRecord => ({
  ...advanced(record, event),
  held: record.held === undefined ? undefined : withoutSignature(record.held),
});

const withoutSignature = ({ signature: _, ...rest }: HeldPayment): HeldPayment => rest;

const withEntry = <Type extends 'payment.settled' | 'payment.failed' | 'payment.released'>(
  state: AccountState,
  next: CallRecord,
  before: CallRecord,
  type: Type,
  payment: PartOf<Type, 'payment'>,
  context: Context,
): Concluded => {
  // A failed payment loses the charge of its call, even if it would have moved more.
  const isLost = type === 'payment.failed' && before.state === 'committed';
  const amount = (isLost ? before.charged : paymentAmount(before)).toString();
  const entered = append(state, next, context, {
    type,
    // The payment has ended its call: no other entry will ever record that.
    ...(next.state === before.state
      ? { amounts: { amount } }
      : { decision: next.state, amounts: { amount, charged: next.charged.toString() } }),
    payment,
    ...(type === 'payment.released' ? {} : { evidence: spentSignature(before.held) }),
  } as NewCallEntry);
  return { state: entered.state, record: entered.record, isNews: true };
};
