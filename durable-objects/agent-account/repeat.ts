import type { SettlementOutcome } from '../../src/settlement/payment.ts';
import type { Binding, Call, Evidence, ReserveVerdict } from './contract.ts';
import { changed, type Context, type Decision, unchanged } from './decision.ts';
import { HOLD_GRACE, paidFrom, permit, SETTLE_LEASE } from './permit.ts';
import { awaitsSettlement, type CallRecord } from './record.ts';
import { conclude } from './settled.ts';
import type { AccountState } from './state.ts';

/**
 * A call id that was claimed before (design §4.6): the runtime's retry of one attempt hears the same verdict again; any other
 * attempt hears a stored outcome, a conflict, or wait. Never a second "go".
 */
export const repeat = (
  state: AccountState,
  record: CallRecord,
  call: Call,
  attempt: `0x${string}`,
  evidence: Evidence,
  context: Context,
): Decision<ReserveVerdict> => {
  // A settled signature is public: whoever copies it must not learn from us which request it was for (law 3).
  if (record.state !== 'held' && !isShown(record, call)) {
    return unchanged(state, { verdict: 'already_used' });
  }
  // Nor may he run it first, where the request that claimed it showed a secret: the signature of a payment that is being settled
  // is public too, and without its intent it would get the first answer (law 3, §4.6).
  if (record.attempt !== attempt && keepsSecret(record) && !isShown(record, call)) {
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
    // An attempt that lost the record while it settled brings news, not a wish to run: "go" would be heard by nobody.
    return evidence.settlement === undefined || evidence.settlement.outcome === 'settled'
      ? takeOver(state, record, call, attempt, context)
      : unchanged(state, { verdict: 'in_progress', retryAfter: waitFor(record, context) });
  }
  return record.attempt === attempt
    ? unchanged(state, permit(state, record, context))
    : unchanged(state, { verdict: 'in_progress', retryAfter: waitFor(record, context) });
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
  return told.durable ? changed(told.state, next, verdict) : unchanged(state, verdict);
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
 * Whether the caller shows what never left client and gateway: the intent itself, or the first request's payment-identifier
 * (design §4.6). A settled signature is public on the chain, so showing it again proves nothing.
 */
const isShown = (record: CallRecord, call: Call): boolean =>
  call.proof === 'intent' ||
  call.binding === 'intent' ||
  (record.identifier !== undefined && record.identifier === call.identifier);

/** Whether the first request showed something that a copier of its signature does not have. */
const keepsSecret = (record: CallRecord): boolean =>
  record.identifier !== undefined || bindingOf(record) === 'intent';

const ended = (record: CallRecord): ReserveVerdict =>
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
      }
    : { verdict: 'already_used' };

/** How the call was bound when it was accepted; its own entries leave with its row, so the first one still says so. */
export const bindingOf = (record: CallRecord): Binding =>
  record.entries.find(({ type }) => type === 'call.accepted')?.binding ?? 'none';

const waitFor = (record: CallRecord, context: Context): number =>
  Math.min(5, Math.max(1, record.holdUntil - context.now));
