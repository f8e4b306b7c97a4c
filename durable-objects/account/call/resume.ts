import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import type { CommandSigner } from '../../../src/protocol/account/command.ts';
import { unstored } from '../decision.ts';
import { chooseGrant } from '../tree/call-grant.ts';
import { accept } from './accept.ts';
import { askedBy, mayDecide } from './approvers.ts';
import type { CallRecord, HeldPayment } from './call-record.ts';
import { deny } from './denial.ts';
import * as money from './money.ts';
import { countDenial } from './account-rates.ts';
import { withEvidence } from './payer-facts.ts';
import { type Answer, openReservation, refuse, type ReservationInput } from './reservation.ts';
import { type Admit, reserveNew } from './reserve.ts';
import { recordVerdicts, withEntries } from './screening.ts';

/**
 * Decides a repeat of a parked call. The bodies of calls are not stored, so only the caller's own repeat can run an approved one, once: it
 * shows the secret of the intent's nonce and sends exactly the parked request. The window of its intent does not count any more.
 *
 * CWE-367: status, grants, policies, funds and the right of the approver may have changed since the approval. So the account decides the
 * whole call again, on a state without the call's own hold. If it refuses, the call stays parked with its hold.
 *
 * @param waiting the verdict while no person has approved the call.
 */
export const resume = (
  start: ReservationInput,
  record: CallRecord,
  waiting: ReserveVerdict,
): Answer => {
  const { state, call, attempt, evidence, context } = start;
  const approved = record.park?.approved;
  // The runtime sends an attempt again whose answer was lost: it gets the same answer.
  if (record.attempt === attempt) return unstored(state, waiting);
  // Attack: the intent is in the log. Its reader must not run the call.
  if (call.showsSecret !== true) return unstored(state, { verdict: 'already_used' });
  if (isAltered(record, call)) return unstored(state, { verdict: 'conflict' });
  if (context.now >= record.holdUntil || call.former === true) {
    return unstored(state, { verdict: 'expired' });
  }
  if (approved === undefined || call.dryRun === true) return unstored(state, waiting);
  const decision = reserveNew(
    { ...start, state: money.release(state, record), approved: record },
    admitApproved(approved),
  );
  const { verdict } = decision;
  if (verdict.verdict === 'go' || verdict.verdict === 'settle') return decision;
  const informed = withEvidence(state, evidence);
  if (verdict.verdict !== 'denied') return unstored(informed, verdict);
  // The writes of that decision start from a state without the parked hold. Write the denial on the state that still has it.
  const choice = chooseGrant(informed, call, context.now);
  const { own, ancestors } = openReservation({ ...start, state: informed }, choice);
  const known = recordVerdicts(countDenial(informed, context.now) ?? informed, evidence, context);
  const denied = deny(known.state, call, verdict.denial, [...own, ...ancestors], context);
  return withEntries(known.entries, denied);
};

/** A policy may ask by now for the approval of a higher account than the one that gave it. */
const admitApproved =
  (by: CommandSigner): Admit =>
  (reservation, counted, allowed, funding) => {
    const asked = askedBy(reservation);
    return asked === undefined || mayDecide(reservation.state, asked, by)
      ? accept(reservation, counted, allowed, funding)
      : refuse(reservation, { rule: 'approval', account: asked.asked, retryAllowed: false });
  };

/** Whether a repeat differs in anything that the person approved: the request with its body, the tool, the amount, the payment. */
const isAltered = (record: CallRecord, call: Call): boolean =>
  record.request !== call.request ||
  record.tool !== call.tool ||
  record.asset !== call.asset ||
  record.price !== call.price ||
  proofOf(record) !== call.proof ||
  !isSamePayment(record.held, call.payment);

const proofOf = ({ entries }: CallRecord): unknown =>
  entries.find(({ type }) => type === 'call.parked')?.evidence?.['proof'];

/** Without a held payment, credit pays. */
const isSamePayment = (held: HeldPayment | undefined, given: HeldPayment | undefined): boolean =>
  held === undefined ||
  (given !== undefined &&
    held.authorization.to === given.authorization.to &&
    held.authorization.value === given.authorization.value &&
    held.authorization.validBefore === given.authorization.validBefore &&
    held.permit?.facilitator === given.permit?.facilitator);
