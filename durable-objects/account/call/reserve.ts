import type { Seconds } from '../../../src/core/clock.ts';
import { evaluate, type Verdict } from '../../../src/policy/evaluate.ts';
import type { Subject } from '../../../src/policy/rule.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Call, Evidence } from '../../../src/protocol/account/call.ts';
import { isFiat } from '../../../src/protocol/fiat-asset.ts';
import { min } from '../../../src/protocol/amount.ts';
import { type Decision, unstored } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { isRecovering } from '../commands/recover.ts';
import { chooseGrant, namesUntaken, staleProofs } from '../tree/call-grant.ts';
import { issuerOf, linksOf } from '../tree/grants.ts';
import { type LeaseNeed, leaseNeeds, wasRefused, wasShort } from '../tree/lease-need.ts';
import { hasLent, type Recovery, withAllReturned, worstLimit } from '../tree/recovery.ts';
import { ownSources } from '../tree/sources.ts';
import { accept, repeatOrDryRun } from './accept.ts';
import { refusalOf, shortOfLimit, unreachable } from './denial.ts';
import {
  fund,
  type Funded,
  type Funding,
  type FundingRequest,
  lentCreditRecovery,
  outagePause,
} from './funding.ts';
import { MEMORY_PAUSE, MOST_OPEN } from './memory-limit.ts';
import { countRisk, failureRefusal, floodRefusal, isFlooded } from './account-rates.ts';
import { isStale, withEvidence } from './payer-facts.ts';
import type { TreeRequest } from './progress.ts';
import { repeat } from './repeat.ts';
import { screeningCode } from './screening-code.ts';
import {
  type Answer,
  asksPerson,
  openReservation,
  refuse,
  request,
  requestUnusedShares,
  type Reservation,
  type ReservationInput,
} from './reservation.ts';

/**
 * Reserves a call: its id, every limit, the hold on the money and the record, in one decision (laws 2, 3, 6, 7). Pure. `repeat` decides
 * a known call; a denial never reserves the id. What can be refused without other accounts is refused first, so that a denied call
 * costs them nothing: the order of the checks is behaviour.
 *
 * CWE-367: a limit may change during each wait for another account, so the whole call is decided again after every answer.
 */
export const reserve = (input: ReservationInput): Decision<ReserveVerdict | TreeRequest> => {
  const { state, record, call, attempt, evidence, context } = input;
  if (record?.state === 'parked') return unstored(state, NEEDS_PARKING);
  if (record !== undefined) {
    return repeatOrDryRun(state, call, repeat(state, record, call, attempt, evidence, context));
  }
  // An expired proof may look up, never execute. A proof for a former payee may repeat a known call, and starts no new one.
  if (!call.execute || call.former === true) return unstored(state, { verdict: 'expired' });
  if (isRecovering(state, context)) return unstored(state, { verdict: 'unavailable' });
  return reserveNew(input, admit);
};

/** Completes a decision on a new call that passed every check. */
export type Admit = (
  reservation: Reservation,
  counted: AccountState,
  allowed: Extract<Verdict, { readonly allowed: true }>,
  funding: Funded,
) => Answer;

/** Parking is code of its own, which only an account with such a call loads. */
const NEEDS_PARKING = { verdict: 'parking' } as const;

/** So is screening. */
const NEEDS_SCREENING = { verdict: 'screening' } as const;

const admit: Admit = (reservation, counted, allowed, funding) =>
  asksPerson(reservation) && !reservation.isDryRun
    ? unstored(reservation.state, NEEDS_PARKING)
    : accept(reservation, counted, allowed, funding);

/**
 * Decides a call that the account has no record of.
 *
 * @param admit decides what becomes of a call that passed every check.
 */
export const reserveNew = (start: ReservationInput, admit: Admit): Answer => {
  const { state, call, evidence, context } = start;
  const informed = withEvidence(state, evidence);
  if (mustSeekGrant(state, informed, call, evidence, context.now)) {
    return unstored(state, { verdict: 'unknown_grant' });
  }
  const screening = screeningCode(informed, evidence);
  if (screening === undefined) return unstored(state, NEEDS_SCREENING);
  const choice = chooseGrant(informed, call, context.now);
  const input = { ...start, state: informed };
  const opened = openReservation(input, choice);
  if (!choice.chosen) return refuse(opened, choice.denial);
  const early = checkDryRun(opened);
  if (early !== undefined) return early;
  const reservation = withFunding(opened);
  const allowed = evaluate([...opened.own, ...opened.ancestors], subjectOf(call), context.now);
  if (!allowed.allowed) return decideDenied(reservation, allowed);
  const listed = screening === 'none' ? undefined : screening.refuseListed(reservation);
  if (listed !== undefined) return listed;
  const pause = outagePause({ ...reservation.fundingRequest, state: informed });
  if (pause !== undefined) return settlementUnavailable(reservation, pause);
  if (isMemoryFull(reservation)) return settlementUnavailable(reservation, MEMORY_PAUSE);
  const counted = countDeferred(reservation);
  if (counted === undefined) return refuse(reservation, failureRefusal(informed, context.now));
  const leases = requestLeases(reservation);
  if (leases !== undefined) return leases;
  const { funding } = reservation;
  if (funding.status !== 'funded') return decideUnfunded(reservation, funding);
  return (
    checkFiatAuthority(reservation) ??
    confirmGrants(reservation) ??
    // Last: only a call that everything else allows may cost a question to a provider (law 12).
    (screening === 'none'
      ? admit(reservation, counted, allowed, funding)
      : screening.screened(reservation, counted, funding, (next, nextCounted) =>
          admit(next, nextCounted, allowed, funding),
        ))
  );
};

/** A dry run consents to no grant, and during a flood of denied calls the account looks up no grants. */
const mustSeekGrant = (
  state: AccountState,
  informed: AccountState,
  call: Call,
  evidence: Evidence,
  now: Seconds,
): boolean =>
  evidence.soughtGrant !== true &&
  namesUntaken(state, call) &&
  call.dryRun !== true &&
  !isFlooded(informed, now);

/** Dry runs count as denied calls, and need the reports of descendants once. */
const checkDryRun = (reservation: Reservation): Answer | undefined => {
  const { state, call, context, progress, isDryRun, isFlooding } = reservation;
  if (!isDryRun) return undefined;
  if (isFlooding) return refuse(reservation, floodRefusal(state, context.now));
  return !progress.descendantsReported && hasLent(state, call.asset)
    ? unstored(state, { verdict: 'report' })
    : undefined;
};

/** A reservation with what would pay for the call. */
type FundedReservation = Reservation & {
  readonly fundingRequest: FundingRequest;
  readonly funding: Funding;
  /** Whether descendants could return the credit that is missing. */
  readonly creditRecovery: Recovery;
  readonly canBePaid: boolean;
};

const withFunding = (reservation: Reservation): FundedReservation => {
  const { own, view, call, evidence, grant, progress, context, approved } = reservation;
  // An operator's policy without `exposure` keeps the default's bound on unpaid service (law 7).
  const exposure = own.reduce(
    (least, each) => min(least, each.policy.exposure ?? least),
    own[0]?.policy.exposure ?? context.policy.exposure ?? 0n,
  );
  const openSince = () => context.openSince(call.asset);
  const { now } = context;
  const isHeld = approved?.payment === 'held';
  const funds = { state: view, call, evidence, exposure, grant, isHeld, progress, openSince, now };
  const funding = fund(funds);
  const creditRecovery = lentCreditRecovery(view, call, funding);
  const canBePaid =
    funding.status === 'funded' || funding.status === 'needs_credit' || creditRecovery !== 'never';
  return { ...reservation, fundingRequest: funds, funding, creditRecovery, canBePaid };
};

/** A policy denies the call, unless unused shares of descendants would satisfy the limit. */
const decideDenied = (
  reservation: FundedReservation,
  denied: Extract<Verdict, { readonly allowed: false }>,
): Answer => {
  const { state, call, context, grant, ancestors, funding, canBePaid } = reservation;
  if (denied.counter === undefined) return refuse(reservation, refusalOf(denied));
  // A limit that unused shares of descendants would satisfy is not the reason for a denial; another limit may be.
  const returned = withAllReturned(state, call.asset);
  const { recovery, sources } = worstLimit(
    ownSources(returned, call.asset, grant, context),
    call.price,
  );
  const then = evaluate([...sources, ...ancestors], subjectOf(call), context.now);
  const refusal = refusalOf(then.allowed ? denied : then);
  const isFinal = !then.allowed && (then.counter === undefined || recovery === 'now');
  if (isFinal || recovery === 'never') return refuse(reservation, refusal);
  if (funding.status === 'needs_facts') return requestFacts(reservation);
  // If nothing can pay for the call, that is the reason, not the limit that a recall would restore.
  if (!canBePaid && funding.status === 'denied') return refuse(reservation, funding.denial);
  return requestUnusedShares(reservation, recovery, () => refuse(reservation, refusal));
};

/** A deferred call stays in memory until its payment is final; all others end at once. */
const isMemoryFull = ({ context, funding }: FundedReservation): boolean =>
  funding.status === 'funded' && funding.paidBy === 'deferred' && context.characters() >= MOST_OPEN;

/** Counts a deferred call towards the rate of calls that may fail; undefined if the rate is used up. */
const countDeferred = ({ state, context, funding }: FundedReservation): AccountState | undefined =>
  funding.status === 'funded' && funding.paidBy === 'deferred'
    ? countRisk(state, context.released(), context.now)
    : state;

/**
 * Requests the shares that the call needs of its ancestors' limits. A top-up spends nothing yet, so no ancestor counts it. A call that
 * nothing can pay for gets no share of a limit.
 */
const requestLeases = (reservation: FundedReservation): Answer | undefined => {
  const { state, call, context, grant, progress, funding, canBePaid } = reservation;
  const { now } = context;
  const needs =
    call.topUp !== undefined
      ? []
      : canBePaid
        ? beyondOwnHold(reservation, leaseNeeds(state, grant, call.price, now))
        : leaseNeeds(state, grant, 0n, now).filter(({ link }) => wasRefused(state, link));
  const open = needs.filter(({ link }) => !progress.wouldLend.includes(link.hash));
  if (open.length === 0) return undefined;
  const silent = open.find(({ link }) => link.hash === progress.unreachable?.issued);
  if (silent !== undefined) return refuse(reservation, unreachable(issuerOf(silent.link)));
  const short = open.find(({ link }) => link.hash === progress.short?.issued);
  if (short !== undefined && progress.short !== undefined) {
    return refuse(reservation, shortOfLimit(progress.short.denial, call.price, now));
  }
  // Request the ancestor's credit in the same message: an idle account then costs one request, not two.
  const credit = funding.status === 'needs_credit' ? funding.need : undefined;
  const all = open.map((each) => (each.link === credit?.link ? credit : each));
  return request(
    reservation,
    { verdict: 'lease', needs: all, asset: call.asset },
    wasShort(state, all),
  );
};

/** An approved call holds shares already: asked for them again, an ancestor at its limit would refuse what the call itself holds. */
const beyondOwnHold = (
  { approved }: Reservation,
  needs: readonly LeaseNeed[],
): readonly LeaseNeed[] =>
  approved === undefined
    ? needs
    : needs.map((each) => ({
        ...each,
        holds: { usedShares: approved.usedShares, amount: approved.price },
      }));

/** Nothing pays for the call yet: requests what is missing, or refuses the call. */
const decideUnfunded = (
  reservation: FundedReservation,
  funding: Exclude<Funding, Funded>,
): Answer => {
  const { state, call, progress, creditRecovery } = reservation;
  switch (funding.status) {
    case 'needs_facts':
      return requestFacts(reservation);
    case 'needs_credit': {
      const { need } = funding;
      return progress.unreachable?.issued === need.link.hash
        ? refuse(reservation, unreachable(issuerOf(need.link)))
        : request(
            reservation,
            { verdict: 'lease', needs: [need], asset: call.asset },
            wasShort(state, [need]),
          );
    }
    case 'halted':
      return requestUnusedShares(reservation, creditRecovery, () =>
        settlementUnavailable(reservation, funding.retryAfter),
      );
    case 'denied':
      return requestUnusedShares(reservation, creditRecovery, () =>
        refuse(reservation, funding.denial),
      );
  }
};

/**
 * Requests newer facts about the payer. During a flood of denied calls, only if the known facts are old: newer ones would say the same.
 */
const requestFacts = (reservation: Reservation): Answer => {
  const { state, context } = reservation;
  return request(reservation, { verdict: 'stale_payer' }, !isStale(state, context.now));
};

/**
 * A call in fiat spends the operator's money, so a policy that the operator wrote must allow the currency: the account's own, or that of an
 * ancestor. Attack: anyone can make a wallet, write a policy for it and grant to its own agents. The account runs this after it holds the
 * leases, which bring the policies of the ancestors.
 */
const checkFiatAuthority = (reservation: Reservation): Answer | undefined => {
  const { call, own, ancestors } = reservation;
  if (!isFiat(call.asset)) return undefined;
  const isAllowed = [...own, ...ancestors].some(
    ({ origin, policy }) =>
      origin.kind === 'operator' && policy.assets?.includes(call.asset) === true,
  );
  return isAllowed ? undefined : refuse(reservation, { rule: 'asset', retryAllowed: false });
};

/** Requests that contracts which issued a grant of the call confirm their signatures (ERC-1271); refuses the call if one did not. */
const confirmGrants = (reservation: Reservation): Answer | undefined => {
  const { state, evidence, grant, context } = reservation;
  const proofs = staleProofs(state, grant, context.now);
  if (proofs.length === 0) return undefined;
  const answered = proofs.find(({ hash }) => evidence.grants?.some((each) => each.hash === hash));
  const rejected = grant && linksOf(grant).find(({ hash }) => hash === answered?.hash);
  return rejected === undefined
    ? unstored(state, { verdict: 'stale_grant', proofs })
    : refuse(reservation, {
        rule: 'revoked',
        account: issuerOf(rejected),
        retryAllowed: false,
        grant: rejected.hash,
      });
};

/** An outage of the gateway is not a denial by a policy, so it writes no entry (law 12). */
const settlementUnavailable = ({ state }: Reservation, retryAfter: Seconds): Answer =>
  unstored(state, { verdict: 'settlement_unavailable', retryAfter });

const subjectOf = (call: Call): Subject => ({
  tool: call.tool,
  payTo: call.payTo as Subject['payTo'],
  asset: call.asset,
  price: call.price,
  topUp: call.topUp !== undefined,
  binding: call.binding,
  validBefore: call.validBefore,
  request: call.request,
  params: call.params ?? {},
});
