import type { Verdict } from '../../../src/policy/evaluate.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import type { NewEntryOf } from '../../../src/protocol/log/new-entry.ts';
import { put } from '../../store/noun.ts';
import { append, changed, type Decision, unstored } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { type HeldGrant, linksOf } from '../tree/grants.ts';
import { CREDIT } from '../tree/share.ts';
import { countersOf } from '../tree/sources.ts';
import { shareOf, type Tree, usedShareText } from '../tree/tree.ts';
import { callEvidence, paramEvidence, policyEvidence, textEvidence } from './evidence.ts';
import type { Funded } from './funding.ts';
import * as money from './money.ts';
import { countDenial } from './account-rates.ts';
import type { CallRecord } from './call-record.ts';
import { IDENTIFIER } from './payment-identifier.ts';
import { HOLD_GRACE, limitsOf, paidFrom, permit, SETTLE_LEASE } from './permit.ts';
import { asksPerson, type Reservation } from './reservation.ts';

type Allowed = Extract<Verdict, { readonly allowed: true }>;

/**
 * Accepts a call that passed every check: holds its money, counts it, and writes its record and entry. For a dry run it only returns the
 * verdict.
 *
 * @param counted the account with the call counted towards the rate of calls that may fail.
 */
export const accept = (
  reservation: Reservation,
  counted: AccountState,
  allowed: Allowed,
  funding: Funded,
): Decision<ReserveVerdict> => {
  const { state, context, policy, isDryRun } = reservation;
  const draft = draftOf({ ...reservation, state: counted }, funding);
  const decision = draft.dispatchedAt > 0 ? 'go' : 'settle';
  if (isDryRun) {
    return unstored(countDenial(state, context.now) ?? state, {
      verdict: 'dry_run',
      decision: asksPerson(reservation) ? 'park' : decision,
      policy,
      paidFrom: paidFrom(draft),
      limits: limitsOf(state, draft, context),
    });
  }
  const reserved = money.hold(withCounted(counted, allowed), draft);
  const entered = append(reserved, draft, context, {
    type: 'call.accepted',
    decision,
    ...(reservation.approved === undefined ? {} : { rule: 'approval' }),
    ...acceptance(reservation, funding),
  });
  const accepted: CallRecord = { ...entered.record, acceptedEntry: entered.hash };
  const { id, identifier } = accepted;
  const named = identifier === undefined ? [] : [put(IDENTIFIER, { digest: identifier, call: id })];
  const decided = changed(entered.state, accepted, permit(entered.state, accepted, context));
  return { ...decided, writes: [...decided.writes, ...named] };
};

/** The members that entries of accepted and of parked calls have in common. */
export const acceptance = (
  { call, grant, own, ancestors, policies, policy, context }: Reservation,
  { paidBy, lender }: Funded,
): Pick<
  NewEntryOf<'call.accepted'>,
  'binding' | 'evidence' | 'policy' | 'amounts' | 'payment'
> => ({
  binding: call.binding,
  evidence: {
    ...callEvidence(call),
    ...policyEvidence(policies),
    ...textEvidence(call, { policy, policies }, context),
    ...paramEvidence([...own, ...ancestors], call),
  },
  policy,
  amounts: { price: call.price.toString() },
  payment: {
    asset: call.asset,
    payTo: call.payTo,
    paidBy,
    ...(call.topUp === undefined ? {} : { creditTo: call.topUp.to }),
    ...(grant === undefined ? {} : { grant: grant.grant.hash }),
    ...(lender === undefined ? {} : { lender }),
  },
});

/** Returns the decision on a repeat; for a dry run only the verdict that the repeat would get. */
export const repeatOrDryRun = (
  state: AccountState,
  call: Call,
  decision: Decision<ReserveVerdict>,
): Decision<ReserveVerdict> => {
  if (call.dryRun !== true) return decision;
  const { verdict } = decision;
  if (verdict.verdict !== 'go' && verdict.verdict !== 'settle') return unstored(state, verdict);
  const { policy, paidFrom: from, limits } = verdict;
  const next = verdict.verdict;
  return unstored(state, { verdict: 'dry_run', decision: next, policy, paidFrom: from, limits });
};

/**
 * The payment that the account keeps. A permit pays after its tool only if the allowance suffices. Its approval would replace that allowance
 * (EIP-2612), which other accepted permits need, so nothing may present it.
 */
const heldPayment = (payment: Call['payment'], { paidBy }: Funded): Call['payment'] =>
  payment?.permit === undefined || paidBy !== 'deferred'
    ? payment
    : { ...payment, permit: { facilitator: payment.permit.facilitator } };

/** Builds the record of a new call: its facts, its source of money, and every counter that it counts in. */
export const draftOf = (
  { state, call, attempt, policy, grant, context, approved }: Reservation,
  funding: Funded,
): CallRecord => {
  const runsNow = funding.paidBy !== 'upfront';
  const isTopUp = call.topUp !== undefined;
  const isPayment = funding.paidBy === 'deferred' || funding.paidBy === 'upfront';
  return {
    id: call.id,
    request: call.request,
    tool: call.tool,
    attempt,
    state: 'held',
    payment: isPayment ? 'held' : 'none',
    paidBy: funding.paidBy,
    onSilence: call.onSilence,
    timeoutSeconds: call.timeoutSeconds,
    asset: call.asset,
    price: call.price,
    charged: 0n,
    acceptedAt: context.now,
    dispatchedAt: runsNow ? context.now : 0,
    holdUntil: context.now + (runsNow ? call.timeoutSeconds + HOLD_GRACE : SETTLE_LEASE),
    validBefore: call.validBefore,
    // A parked payment may have moved since it was parked.
    sinceBlock: approved?.sinceBlock ?? state.factsBlock,
    hadLastLook: false,
    identifier: call.identifier,
    transaction: undefined,
    // Credit pays: drop the authorization, so that nothing can present it from here.
    held: isPayment ? heldPayment(call.payment, funding) : undefined,
    topUp: call.topUp?.to,
    answer: undefined,
    acceptedEntry: state.head.hash,
    finishedEntry: undefined,
    policy,
    windows: isTopUp
      ? []
      : money.countedPeriods(
          state,
          call.asset,
          countersOf(state, call.asset, grant, context),
          context.now,
        ),
    grant: grant?.grant.hash,
    usedShares: isTopUp ? [] : usedSharesOf(state, grant, call.price, funding.lender),
    park: approved?.park,
    ...(call.trace === undefined ? {} : { trace: call.trace }),
    entries: approved?.entries ?? [],
  };
};

/** The ancestors' shares that a call counts in: every counter of every ancestor, and the lender's credit. */
const usedSharesOf = (
  { tree, leases }: AccountState,
  grant: HeldGrant | undefined,
  price: bigint,
  lender: CallRecord['grant'],
): readonly string[] => {
  if (grant === undefined || price === 0n) return [];
  return linksOf(grant).flatMap(({ hash: issued }) => {
    const names = [...(leases[issued]?.names ?? []), ...(issued === lender ? [CREDIT] : [])];
    return names.map((name) =>
      usedShareText({ issued, name, start: shareOf(tree, issued, name).start }),
    );
  });
};

/** Rate states and repeats after an accepted call. */
export const withCounted = (
  state: AccountState,
  { arrivals, repeats }: Extract<Verdict, { readonly allowed: true }>,
): AccountState => {
  const { base = state.arrival, owner: ownerArrival } = arrivals;
  const tree: Tree =
    ownerArrival === undefined && Object.keys(repeats).length === 0
      ? state.tree
      : {
          ...state.tree,
          ownerArrival: ownerArrival ?? state.tree.ownerArrival,
          repeats: { ...state.tree.repeats, ...repeats },
        };
  return { ...state, arrival: base, tree };
};
