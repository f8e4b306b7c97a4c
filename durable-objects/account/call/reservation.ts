import type { Hex } from '../../../src/core/hex.ts';
import type { Source } from '../../../src/policy/evaluate.ts';
import type { Origin } from '../../../src/policy/rule.ts';
import type { Call, Evidence } from '../../../src/protocol/account/call.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import { type Context, type Decision, unstored } from '../decision.ts';
import type { AccountState } from '../state.ts';
import type { CallRecord } from './call-record.ts';
import { asksApproval } from '../../../src/policy/rules/approve-above.ts';
import type { GrantChoice } from '../tree/call-grant.ts';
import type { HeldGrant } from '../tree/grants.ts';
import { withReports } from '../tree/merge-report.ts';
import { type Recovery, withAllReturned } from '../tree/recovery.ts';
import { ancestorSources, originsOf, ownSources, rulesHash } from '../tree/sources.ts';
import { deny, type Refusal } from './denial.ts';
import { countDenial, floodRefusal, isFlooded } from './account-rates.ts';
import { MAX_RECALLS, type Progress, type TreeRequest } from './progress.ts';

/** The input of one attempt to reserve a call. */
export type ReservationInput = {
  /** The account, updated with the facts in the evidence. */
  readonly state: AccountState;
  /** The stored record of the call, if the account has one. */
  readonly record?: CallRecord | undefined;
  readonly call: Call;
  readonly attempt: Hex;
  readonly evidence: Evidence;
  readonly progress: Progress;
  readonly context: Context;
  /** The parked call that this one continues: a person has approved it, and `state` no longer holds its money. */
  readonly approved?: CallRecord;
};

/** One attempt to reserve a new call, with everything that its checks read. */
export type Reservation = ReservationInput & {
  readonly isDryRun: boolean;
  /** Denied calls have used up their rate. */
  readonly isFlooding: boolean;
  readonly grant: HeldGrant | undefined;
  /** The state that limits are checked on. A dry run takes nothing: shares that descendants would return count as returned. */
  readonly view: AccountState;
  /** The policies that this account counts, and those of its ancestors. */
  readonly own: readonly Source[];
  readonly ancestors: readonly Source[];
  /** What binds the call, and one hash for all of it. */
  readonly policies: readonly Origin[];
  readonly policy: Hex;
};

/** A parked call already counted towards rates and repeats when it was parked. */
const withoutPace = ({
  policy: { rate: _, repeat: __, ...policy },
  ...source
}: Source): Source => ({
  ...source,
  policy,
});

/** Whether a policy makes the call wait for a person. A top-up only moves money to credit. */
export const asksPerson = ({ own, ancestors, call }: Reservation): boolean =>
  call.topUp === undefined &&
  [...own, ...ancestors].some(({ policy }) => asksApproval(policy, call.price));

/** The answer to an attempt: its verdict, or what the account must request first. */
export type Answer = Decision<ReserveVerdict | TreeRequest>;

export const openReservation = (input: ReservationInput, choice: GrantChoice): Reservation => {
  const { state, call, progress, context } = input;
  const isDryRun = call.dryRun === true;
  const grant = choice.chosen ? choice.grant : undefined;
  const view = isDryRun
    ? withAllReturned(withReports(state, progress.reports, context), call.asset)
    : state;
  const all = ownSources(view, call.asset, grant, context);
  const own = input.approved === undefined ? all : all.map(withoutPace);
  const ancestors = [...ancestorSources(state, grant, context.now), ...progress.ancestorPolicies];
  const policies = originsOf([...own, ...ancestors]);
  return {
    ...input,
    isDryRun,
    isFlooding: isFlooded(state, context.now),
    grant,
    view,
    own,
    ancestors,
    policies,
    policy: rulesHash(policies),
  };
};

/** Denies the call, or only counts the denial of a dry run. Every denial counts towards their rate. */
export const refuse = (
  { state, call, context, grant, own, ancestors, policies, policy, isDryRun }: Reservation,
  refusal: Refusal,
): Answer => {
  const counted = countDenial(state, context.now);
  const reported = counted === undefined ? floodRefusal(state, context.now) : refusal;
  const authority = grant?.grant.hash ?? reported.grant;
  const denial: Denial = {
    account: state.account,
    ...reported,
    ...(authority === undefined ? {} : { authority }),
    policy,
    ...(policies.length > 1 ? { policies } : {}),
  };
  return isDryRun
    ? unstored(counted ?? state, { verdict: 'denied', denial })
    : deny(counted ?? state, call, denial, [...own, ...ancestors], context);
};

/**
 * Requests what the decision needs from the chain or from other accounts. While denied calls have used up their rate, the account requests
 * nothing for a call that would be denied.
 *
 * @param isFutile whether the request is unlikely to help.
 */
export const request = (
  reservation: Reservation,
  wanted: ReserveVerdict | TreeRequest,
  isFutile: boolean,
): Answer => {
  const { state, context, isFlooding } = reservation;
  return isFlooding && isFutile
    ? refuse(reservation, floodRefusal(state, context.now))
    : unstored<ReserveVerdict | TreeRequest>(state, wanted);
};

/** Makes descendants report their unused shares, then return them, but only if that would let the call run. */
export const requestUnusedShares = (
  reservation: Reservation,
  recovery: Recovery,
  otherwise: () => Answer,
): Answer => {
  const { progress, isDryRun } = reservation;
  if (recovery === 'never' || isDryRun) return otherwise();
  if (!progress.descendantsReported) return request(reservation, { verdict: 'report' }, true);
  return recovery === 'now' && progress.recalls < MAX_RECALLS
    ? request(reservation, { verdict: 'recall' }, true)
    : otherwise();
};
