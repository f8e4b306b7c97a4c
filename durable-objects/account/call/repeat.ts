import type { SettlementOutcome } from '../../../src/protocol/payment.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/reserve.ts';
import type { Binding, Call, Evidence } from '../../../src/protocol/account/call.ts';
import { changed, type Context, type Decision, unchanged } from '../decision.ts';
import { HOLD_GRACE, paidFrom, permit, SETTLE_LEASE } from './permit.ts';
import { awaitsSettlement, type CallRecord } from './record.ts';
import { conclude } from './settled.ts';
import type { AccountState } from '../state.ts';

/**
 * A call that is known already: the runtime's retry of one attempt gets the same verdict again; any other attempt gets a stored
 * outcome, a conflict, or "wait". Never a second "go".
 */
export const repeat = (
  state: AccountState,
  record: CallRecord,
  call: Call,
  attempt: `0x${string}`,
  evidence: Evidence,
  context: Context,
): Decision<ReserveVerdict> => {
  if (record.id !== call.call) return sameOperation(state, record, call, context);
  const shown = isShown(record, call);
  // The signature of a settled payment is on the chain, and the intent is in the log: a caller with both must not learn from us
  // which request they were for, nor get the answer (law 3).
  if (record.state !== 'held' && !shown) return unchanged(state, { verdict: 'already_used' });
  if (record.attempt !== attempt && keepsSecret(record) && !shown) {
    return unchanged(state, { verdict: 'in_progress', retryAfter: waitFor(record, context) });
  }
  // A payment moved to another tool, path, query, method or body: pinned at first use (§4.3).
  if (record.request !== call.request) return unchanged(state, { verdict: 'conflict' });
  if (record.state !== 'held') return unchanged(state, ended(record));

  if (awaitsSettlement(record)) {
    if (record.attempt === attempt) {
      return evidence.settlement === undefined
        ? unchanged(state, permit(state, record, context))
        : proceed(state, record, evidence.settlement, context);
    }
    // While a payment settles, its signature is public: without a secret, its owner and a copier look the same. So a call without
    // one is never taken over; its settled money becomes credit (law 4).
    // An attempt that lost the record while it settled brings news, not a wish to run: "go" would start a tool for no client.
    return shown && (evidence.settlement === undefined || evidence.settlement.outcome === 'settled')
      ? takeOver(state, record, call, attempt, context)
      : unchanged(state, { verdict: 'in_progress', retryAfter: waitFor(record, context) });
  }
  return record.attempt === attempt
    ? unchanged(state, permit(state, record, context))
    : unchanged(state, { verdict: 'in_progress', retryAfter: waitFor(record, context) });
};

/**
 * A fresh signature under a used `payment-identifier`: the same operation for x402. It may read what became of the first call and
 * nothing else: its own payment must never be held, presented or run.
 */
const sameOperation = (
  state: AccountState,
  record: CallRecord,
  call: Call,
  context: Context,
): Decision<ReserveVerdict> => {
  const of = { call: record.id };
  if (record.request !== call.request) return unchanged(state, { verdict: 'conflict', ...of });
  return unchanged(
    state,
    record.state === 'held'
      ? { verdict: 'in_progress', retryAfter: waitFor(record, context), ...of }
      : { ...ended(record), ...of },
  );
};

/** How long after an attempt gave up the next one may settle: what the gateway tells its caller to wait. */
const GIVEN_BACK_PAUSE = 5;

/** The attempt that settled an upfront payment brings what the chain said; a settled one may run, once. */
const proceed = (
  state: AccountState,
  record: CallRecord,
  settlement: SettlementOutcome,
  context: Context,
): Decision<ReserveVerdict> => {
  if (settlement.outcome === 'sent') {
    // It gives up without knowing: whoever repeats the call may try soon, and the chain is asked meanwhile. Not at once: each
    // try costs a backend a look, and a payer that has moved its money away would have them for free (law 12).
    const given = {
      ...record,
      holdUntil: Math.min(record.holdUntil, context.now + GIVEN_BACK_PAUSE),
    };
    return changed(state, given, { verdict: 'in_progress', retryAfter: GIVEN_BACK_PAUSE });
  }
  const told = conclude(state, record, settlement, context);
  const next = told.record;
  if (next.payment === 'settled' && next.state === 'held') {
    return dispatch(told.state, next, next.attempt, context);
  }
  const verdict: ReserveVerdict =
    next.state === 'held' ? { verdict: 'in_progress', retryAfter: 2 } : { verdict: 'already_used' };
  return told.isNews ? changed(told.state, next, verdict) : unchanged(state, verdict);
};

/**
 * Another attempt at an upfront call that was left between settle and dispatch. If the chain has moved the money it runs once, here;
 * if nobody knows yet, it may settle when the first attempt's lease is over. The first attempt, should it still live, no longer
 * owns the record and hears `in_progress`: there is one owner at any time, so one dispatch.
 */
const takeOver = (
  state: AccountState,
  record: CallRecord,
  call: Call,
  attempt: `0x${string}`,
  context: Context,
): Decision<ReserveVerdict> => {
  const wait = unchanged(state, {
    verdict: 'in_progress' as const,
    retryAfter: waitFor(record, context),
  });
  // §4.6: an expired proof may look up, never execute; the alarm turns its money into credit.
  if (!call.execute) return wait;
  if (record.payment === 'settled') return dispatch(state, record, attempt, context);
  if (context.now < record.holdUntil) return wait;
  const taken = { ...record, attempt, holdUntil: context.now + SETTLE_LEASE };
  return changed(state, taken, permit(state, taken, context));
};

const dispatch = (
  state: AccountState,
  record: CallRecord,
  attempt: `0x${string}`,
  context: Context,
): Decision<ReserveVerdict> => {
  const running: CallRecord = {
    ...record,
    attempt,
    dispatchedAt: context.now,
    holdUntil: context.now + record.timeoutSeconds + HOLD_GRACE,
  };
  return changed(state, running, permit(state, running, context));
};

/**
 * Whether the caller shows what only client and gateway know: the secret of the intent whose digest is this call id, or the first
 * request's payment-identifier. Signatures and intents prove nothing here: the chain and the log show them to others.
 */
const isShown = (record: CallRecord, call: Call): boolean =>
  call.showsSecret === true ||
  (record.identifier !== undefined && record.identifier === call.identifier);

/** Whether its client has a secret to show. */
const keepsSecret = (record: CallRecord): boolean =>
  record.identifier !== undefined || bindingOf(record) === 'intent';

type Ended = Extract<ReserveVerdict, { readonly verdict: 'stored' | 'already_used' }>;

const ended = (record: CallRecord): Ended =>
  record.answer !== undefined
    ? {
        verdict: 'stored',
        answer: record.answer,
        charged: record.charged,
        paidFrom: paidFrom(record),
        payment: record.payment,
        ...(record.transaction === undefined ? {} : { transaction: record.transaction }),
        binding: bindingOf(record),
        entry: record.acceptedEntry,
        policy: record.policy,
        price: record.price,
      }
    : { verdict: 'already_used' };

/** How the call was bound when it was accepted; its own entries leave with its row, so the first one still says so. */
export const bindingOf = (record: CallRecord): Binding =>
  record.entries.find(({ type }) => type === 'call.accepted')?.binding ?? 'none';

const waitFor = (record: CallRecord, context: Context): number =>
  Math.min(5, Math.max(1, record.holdUntil - context.now));
