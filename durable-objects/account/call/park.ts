import type { Seconds } from '../../../src/core/clock.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import { loggedBytes, rootOf } from '../commands/command-budget.ts';
import { append, changed, type Context, unstored } from '../decision.ts';
import { isKnown } from '../state.ts';
import { accept, acceptance, draftOf, withCounted } from './accept.ts';
import { askedBy } from './approvers.ts';
import type { CallRecord } from './call-record.ts';
import { CALL } from './stored-call.ts';
import type { Refusal } from './denial.ts';
import * as money from './money.ts';
import { type Answer, refuse } from './reservation.ts';
import { type Admit, reserve, reserveNew } from './reserve.ts';
import { resume } from './resume.ts';

/**
 * The longest time from parking to the caller's repeat, the wait for the approval included. A payment waits no longer than its
 * authorization is valid.
 */
export const PARK_SECONDS: Seconds = 3_600;

/** The most calls of one account that wait at a time: each holds money, and costs a person a decision. */
export const MAX_PARKED = 16;

/** How soon a caller may ask again whether its call was approved; the gateway sends it as `Retry-After`. */
const PARK_POLL: Seconds = 5;

/** `Retry-After` while too many calls of the account wait. */
const QUEUE_PAUSE: Seconds = 60;

/** Decides as `reserve`, with the code that parks calls and continues approved ones. */
export const reserveWithApproval: typeof reserve = (input) => {
  const { record, call, context } = input;
  if (record?.state === 'parked') return resume(input, record, parkedVerdict(record, context));
  if (record !== undefined || !call.execute || call.former === true) return reserve(input);
  return reserveNew(input, park);
};

/**
 * Parks a call that passed every check: burns its id and holds its money in every counter, as if it ran (law 6). Nothing is dispatched and
 * no payment moves before a person has approved it.
 *
 * Law 3: the repeat that runs the call must show the secret of the intent's nonce, so a proof without one cannot wait. Law 12: a stranger
 * parks nothing, and the calls that wait are bounded for the account and for the root of its tree.
 */
const park: Admit = (reservation, counted, allowed, funding) => {
  const { state, call, context, progress } = reservation;
  const asked = askedBy(reservation);
  // A policy may have changed since another decision asked for this code.
  if (asked === undefined || reservation.isDryRun) {
    return accept(reservation, counted, allowed, funding);
  }
  const deny = (rule: Refusal['rule'], retryAfter?: Seconds): Answer =>
    refuse(reservation, {
      rule,
      account: asked.asked,
      retryAllowed: retryAfter !== undefined,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    });
  if (call.binding !== 'intent' || !isKnown(state)) return deny('approval');
  const waiting = context.read.count(CALL, { where: [['due', '=', 'parked']] });
  if (waiting >= MAX_PARKED) return deny('approval_queue', QUEUE_PAUSE);
  if (progress.counted !== undefined && progress.counted !== true) {
    return deny('approval_queue', progress.counted.retryAfter);
  }
  const until = parkEnd(call, context.now);
  const draft: CallRecord = {
    ...draftOf({ ...reservation, state: counted }, funding),
    ...{ state: 'parked', dispatchedAt: 0, holdUntil: until, park: asked },
    // An intent without a payment expires sooner than its parked call, which repeats must still find.
    validBefore: Math.max(call.validBefore, until),
  };
  const held = money.hold(withCounted(counted, allowed), draft);
  const entered = append(held, draft, context, {
    type: 'call.parked',
    decision: 'parked',
    rule: 'approval',
    ...acceptance(reservation, funding),
    outcome: {
      until,
      asked: asked.asked,
      above: asked.above,
      approver: asked.approver ?? 'operator',
    },
  });
  const parked: CallRecord = { ...entered.record, acceptedEntry: entered.hash };
  const alerted = append(entered.state, parked, context, {
    type: 'alert.raised',
    rule: 'approval',
    outcome: {
      call: parked.id,
      tool: parked.tool,
      asset: parked.asset,
      amount: parked.price.toString(),
      above: asked.above,
      asked: asked.asked,
      until,
    },
  });
  const root = rootOf(state);
  if (root !== undefined && progress.counted === undefined) {
    const bytes = loggedBytes({ entries: alerted.record.entries });
    return unstored(state, {
      verdict: 'count',
      to: root,
      budget: 'approval',
      bytes,
      id: call.id,
    });
  }
  return changed(alerted.state, alerted.record, parkedVerdict(alerted.record, context));
};

const parkEnd = ({ payment, validBefore }: Call, now: Seconds): Seconds =>
  payment === undefined ? now + PARK_SECONDS : Math.min(validBefore, now + PARK_SECONDS);

/** The verdict on a call that waits. */
const parkedVerdict = (
  { holdUntil, park: waits, policy }: CallRecord,
  { now }: Pick<Context, 'now'>,
): Extract<ReserveVerdict, { readonly verdict: 'parked' }> => ({
  verdict: 'parked',
  until: holdUntil,
  state: waits?.approved === undefined ? 'waiting' : 'approved',
  asked: waits?.asked ?? ('' as AccountId),
  above: BigInt(waits?.above ?? 0),
  policy,
  retryAfter: Math.max(1, Math.min(PARK_POLL, holdUntil - now)),
});
