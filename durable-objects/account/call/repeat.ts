import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Call, Evidence, StoredAnswer } from '../../../src/protocol/account/call.ts';
import type { Binding } from '../../../src/protocol/tool-terms.ts';
import type { SettlementOutcome } from '../../../src/protocol/payment.ts';
import { changed, type Context, type Decision, unstored } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { awaitsSettlement, type CallRecord } from './call-record.ts';
import { conclude } from './conclude.ts';
import { HOLD_GRACE, paidFrom, permit, SETTLE_LEASE } from './permit.ts';

/**
 * Decides a call that is known already. The runtime's retry of one attempt gets the same verdict again; another attempt gets a stored
 * outcome, a conflict, or `in_progress`, never a second "go" (law 3).
 */
export const repeat = (
  state: AccountState,
  record: CallRecord,
  call: Call,
  attempt: `0x${string}`,
  evidence: Evidence,
  context: Context,
): Decision<ReserveVerdict> => {
  if (record.id !== call.id) return sameOperation(state, record, call, context);
  const knowsSecret = showsSecret(record, call);
  // Attack: the signature of a settled payment is on the chain, and the intent is in the log. A caller with both must learn neither the
  // request nor the answer (law 3).
  if (record.state !== 'held' && !knowsSecret) return unstored(state, { verdict: 'already_used' });
  if (record.attempt !== attempt && hasSecret(record) && !knowsSecret) {
    return unstored(state, { verdict: 'in_progress', retryAfter: waitFor(record, context) });
  }
  // Attack: a payment is presented with another tool, path, query, method or body. The first use pins the request.
  if (record.request !== call.request) return unstored(state, { verdict: 'conflict' });
  if (record.state !== 'held') return unstored(state, outcomeOf(state, record));

  if (awaitsSettlement(record)) {
    if (record.attempt === attempt) {
      return evidence.settlement === undefined
        ? unstored(state, permit(state, record, context))
        : proceed(state, record, evidence.settlement, context);
    }
    // While a payment settles, its signature is public: without a secret, the gateway cannot distinguish its owner from a copier. So no
    // other attempt takes over a call without a secret; its settled money becomes credit (law 4). If another attempt took over while this
    // one was settling, only record the settlement. Answering "go" here would start a tool run that no client is waiting for.
    return knowsSecret &&
      (evidence.settlement === undefined || evidence.settlement.outcome === 'settled')
      ? takeOver(state, record, call, attempt, context)
      : unstored(state, { verdict: 'in_progress', retryAfter: waitFor(record, context) });
  }
  return record.attempt === attempt
    ? unstored(state, permit(state, record, context))
    : unstored(state, { verdict: 'in_progress', retryAfter: waitFor(record, context) });
};

/**
 * A fresh signature under a used `payment-identifier` is the same x402 operation. It may read the outcome of the first call and nothing
 * else: its own payment must never be held, presented or run.
 */
const sameOperation = (
  state: AccountState,
  record: CallRecord,
  call: Call,
  context: Context,
): Decision<ReserveVerdict> => {
  const first = { call: record.id };
  if (record.request !== call.request) return unstored(state, { verdict: 'conflict', ...first });
  return unstored(
    state,
    record.state === 'held'
      ? { verdict: 'in_progress', retryAfter: waitFor(record, context), ...first }
      : { ...outcomeOf(state, record), ...first },
  );
};

/** How long after an attempt gave up the next one may settle; the gateway sends it as `Retry-After`. */
const YIELD_PAUSE = 5;

/** The attempt that settled an upfront payment brings the chain's result; a settled call may run, once. */
const proceed = (
  state: AccountState,
  record: CallRecord,
  settlement: SettlementOutcome,
  context: Context,
): Decision<ReserveVerdict> => {
  if (settlement.outcome === 'sent') {
    // The attempt gives up without a result: a repeat may try soon, and the settlement queue asks the chain meanwhile. A repeat may not try
    // at once, because each try costs a backend a look at the chain, which a payer without the money would get for free (law 12).
    const yielded = {
      ...record,
      holdUntil: Math.min(record.holdUntil, context.now + YIELD_PAUSE),
    };
    return changed(state, yielded, { verdict: 'in_progress', retryAfter: YIELD_PAUSE });
  }
  const concluded = conclude(state, record, settlement, context);
  const next = concluded.record;
  if (next.payment === 'settled' && next.state === 'held') {
    return dispatch(concluded.state, next, next.attempt, context);
  }
  const verdict: ReserveVerdict =
    next.state === 'held' ? { verdict: 'in_progress', retryAfter: 2 } : { verdict: 'already_used' };
  return concluded.isNews ? changed(concluded.state, next, verdict) : unstored(state, verdict);
};

/**
 * Another attempt at an upfront call whose first attempt ended between settle and dispatch. If the chain has moved the money, the call
 * runs once, here; otherwise this attempt may settle when the first attempt's lease has expired. The first attempt, if it still runs,
 * no longer owns the record and gets `in_progress`: one owner at a time, so one dispatch.
 */
const takeOver = (
  state: AccountState,
  record: CallRecord,
  call: Call,
  attempt: `0x${string}`,
  context: Context,
): Decision<ReserveVerdict> => {
  const wait = unstored(state, {
    verdict: 'in_progress' as const,
    retryAfter: waitFor(record, context),
  });
  // An expired proof may look up, never execute; the alarm turns its money into credit.
  if (!call.execute && !outlivesIntent(record, context)) return wait;
  if (record.payment === 'settled') return dispatch(state, record, attempt, context);
  if (context.now < record.holdUntil) return wait;
  const taken = { ...record, attempt, holdUntil: context.now + SETTLE_LEASE };
  return changed(state, taken, permit(state, taken, context));
};

/** A call that a person approved outlives its intent's window, but not its authorization. */
const outlivesIntent = ({ park, validBefore }: CallRecord, { now }: Context): boolean =>
  park?.approved !== undefined && now < validBefore;

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
 * Whether the caller presents what only client and gateway know: the secret behind the intent's nonce, or the payment-identifier of the
 * first request. Signatures and intents prove nothing here: the chain and the log show them to others.
 */
const showsSecret = (record: CallRecord, call: Call): boolean =>
  call.showsSecret === true ||
  (record.identifier !== undefined && record.identifier === call.identifier);

/** Whether the client has a secret to present. */
const hasSecret = (record: CallRecord): boolean =>
  record.identifier !== undefined || bindingOf(record) === 'intent';

type StoredOutcome = Extract<ReserveVerdict, { readonly verdict: 'stored' | 'already_used' }>;

const outcomeOf = (state: AccountState, record: CallRecord): StoredOutcome => {
  const answer = answerOf(state, record);
  return answer === undefined
    ? { verdict: 'already_used' }
    : {
        verdict: 'stored',
        answer,
        charged: record.charged,
        paidFrom: paidFrom(record),
        payment: record.payment,
        ...(record.transaction === undefined ? {} : { transaction: record.transaction }),
        binding: bindingOf(record),
        entry: record.acceptedEntry,
        policy: record.policy,
        price: record.price,
      };
};

/** The stored answer of a call, unless it was erased. */
export const answerOf = (
  { erased }: Pick<AccountState, 'erased'>,
  { answer, acceptedAt }: CallRecord,
): StoredAnswer | undefined =>
  erased === undefined || acceptedAt > erased.at ? answer : undefined;

/** How the call was bound when it was accepted. Its entries stay with its record, so the first entry still has the binding. */
export const bindingOf = (record: CallRecord): Binding =>
  record.entries.find(({ type }) => type === 'call.accepted' || type === 'call.parked')?.binding ??
  'none';

const waitFor = (record: CallRecord, context: Context): number =>
  Math.min(5, Math.max(1, record.holdUntil - context.now));
