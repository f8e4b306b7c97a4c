import * as money from './money.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import type { Subject } from '../../../src/policy/rule.ts';
import type { Call, Evidence } from '../../../src/protocol/account/call.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/reserve.ts';
import { min } from '../../../src/protocol/amount.ts';
import { put } from '../../store/noun.ts';
import { append, changed, type Context, type Decision, unchanged } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { type Ask, asksOf, wasShort, wasStopped } from '../tree/asks.ts';
import {
  grantOf,
  namesUntaken,
  ownSources,
  rulesHash,
  sourcesAbove,
  staleProofs,
} from '../tree/authority.ts';
import { linksOf } from '../tree/held-grant.ts';
import { withReports } from '../tree/merge-report.ts';
import { furthest, hasLent, lentReach, type Reach, withAllReturned } from '../tree/reach.ts';
import { issuerOf } from '../tree/signed-grant.ts';
import { deny } from './denial.ts';
import { counting, draftOf } from './draft.ts';
import { callEvidence } from './evidence.ts';
import { fund, isStale, withFacts } from './funds.ts';
import { IDENTIFIER } from './identifier.ts';
import { haltedAtOnce } from './outage.ts';
import { countDenial, countRisk, failureRefusal, floodRefusal, isFlooded } from './pace.ts';
import { limitsOf, paidFrom, permit } from './permit.ts';
import type { Progress } from './progress.ts';
import type { CallRecord } from './record.ts';
import { type Refusal, refusalOf, unreachable, waiting } from './refusal.ts';
import { repeat } from './repeat.ts';

/** What the account itself must learn from others of its tree before it can decide. */
export type Question =
  | { readonly verdict: 'ask'; readonly asks: readonly Ask[]; readonly asset: Call['asset'] }
  /** Accounts below may have money of this account that they do not use: they report it, or give it back. */
  | { readonly verdict: 'look' }
  | { readonly verdict: 'recall' };

/** How many rounds of recalls one call may cause: each asks those with most. */
export const MOST_RECALLS = 16;

/**
 * Claims a call: call id, every limit, the hold on the money and the record, in one decision (laws 2, 3, 6, 7).
 * Pure. A call that is known already is `repeat`'s; a denial never claims the id. What can be refused without asking other accounts is
 * refused without asking, so that a denied call costs them nothing; what was learned from one is looked at again here, after every wait.
 */
export const reserve = (
  state: AccountState,
  record: CallRecord | undefined,
  call: Call,
  attempt: `0x${string}`,
  evidence: Evidence,
  progress: Progress,
  context: Context,
): Decision<ReserveVerdict | Question> => {
  if (record !== undefined) {
    return rehearsed(state, call, repeat(state, record, call, attempt, evidence, context));
  }
  // §4.6: an expired proof may look up, never execute.
  if (!call.execute) return unchanged(state, { verdict: 'expired' });

  const informed = withEvidence(state, evidence);
  const { now } = context;
  const isDry = call.dryRun === true;
  const isFlooding = isFlooded(informed, now);
  const isSought = evidence.soughtGrant === true || !namesUntaken(state, call);
  // A dry run consents to nothing, and the account looks up no grants during a flood of denied calls.
  if (!isSought && !isDry && !isFlooding) return unchanged(state, { verdict: 'unknown_grant' });
  const standing = grantOf(informed, call, now);
  const grant = standing.stands ? standing.grant : undefined;
  // A dry run takes nothing from others: what accounts below would give back counts as returned.
  const view = isDry
    ? withAllReturned(withReports(informed, progress.reports, context), call.asset)
    : informed;
  const own = ownSources(view, call.asset, grant, context);
  const above = [...sourcesAbove(informed, grant, now), ...progress.above];
  const policy = rulesHash([...own, ...above]);
  const refuse = (refusal: Refusal): Decision<ReserveVerdict> => {
    const counted = countDenial(informed, now);
    const told = counted === undefined ? floodRefusal(informed, now) : refusal;
    const authority = grant?.grant.hash ?? told.grant;
    const denial: Denial = {
      account: state.account,
      ...told,
      ...(authority === undefined ? {} : { authority }),
      policy,
    };
    return isDry
      ? unchanged(counted ?? informed, { verdict: 'denied', denial })
      : deny(counted ?? informed, call, denial, context);
  };
  /** While denied calls have used up their rate, the account asks no other account on behalf of a call like those. */
  const ask = (question: ReserveVerdict | Question, isVain: boolean) =>
    isFlooding && isVain
      ? refuse(floodRefusal(informed, now))
      : unchanged<ReserveVerdict | Question>(informed, question);
  if (!standing.stands) return refuse(standing.denial);
  if (isDry && isFlooding) return refuse(floodRefusal(informed, now));
  if (isDry && !progress.looked && hasLent(informed, call.asset)) {
    return unchanged(informed, { verdict: 'look' });
  }

  // A policy that an operator wrote without saying so leaves the default's bound on what may be owed (law 7).
  const exposure = own.reduce(
    (least, each) => min(least, each.policy.exposure ?? least),
    own[0]?.policy.exposure ?? context.policy.exposure ?? 0n,
  );
  const openSince = () => context.openSince(call.asset);
  const funding = fund(view, call, evidence, { exposure, grant, progress, openSince }, now);
  const lent = lentReach(view, call, funding);
  const canBePaid = funding.funded || 'ask' in funding || lent !== 'never';
  // Facts that are old are asked for; fresh ones that say too little were asked for in vain before.
  const isUnsure = !funding.funded && 'stale' in funding && funding.stale;
  const stalePayer = () => ask({ verdict: 'stale_payer' }, !isStale(informed, now));
  /** Accounts below report what they do not use, then give it back: only where that would let the call run. */
  const fetchLeases = (reach: Reach, otherwise: () => Decision<ReserveVerdict>) => {
    if (reach === 'never' || isDry) return otherwise();
    if (!progress.looked) return ask({ verdict: 'look' }, true);
    return reach === 'now' && progress.recalls < MOST_RECALLS
      ? ask({ verdict: 'recall' }, true)
      : otherwise();
  };

  const subject = subjectOf(call);
  const allowed = evaluate([...own, ...above], subject, now);
  if (!allowed.allowed) {
    if (allowed.counter === undefined) return refuse(refusalOf(allowed));
    // A limit that is short only of what accounts below do not use is not what refuses; another one may be.
    const returned = withAllReturned(informed, call.asset);
    const { reach, sources } = furthest(
      ownSources(returned, call.asset, grant, context),
      call.price,
    );
    const then = evaluate([...sources, ...above], subject, now);
    const refusal = refusalOf(then.allowed ? allowed : then);
    if (!then.allowed && (then.counter === undefined || reach === 'now')) return refuse(refusal);
    if (reach === 'never') return refuse(refusal);
    if (isUnsure) return stalePayer();
    // What a recall would mend is not why a call is refused that nothing can pay for.
    if (!canBePaid && 'denial' in funding) return refuse(funding.denial);
    return fetchLeases(reach, () => refuse(refusal));
  }
  const halted = haltedAtOnce(informed, call, evidence, { exposure, grant, progress }, now);
  if (halted !== undefined) return unchanged(informed, unavailableFor(halted));
  const isDeferred = funding.funded && funding.paidBy === 'deferred';
  const risked = isDeferred ? countRisk(informed, context.released(), now) : informed;
  if (risked === undefined) return refuse(failureRefusal(informed, now));

  // A top-up spends nothing yet, so nothing above counts it. A call that nothing can pay for gets no share of anybody's limit.
  const asks = subject.topUp
    ? []
    : canBePaid
      ? asksOf(informed, grant, call.price, now)
      : asksOf(informed, grant, 0n, now).filter(({ link }) => wasStopped(informed, link));
  const open = asks.filter(({ link }) => !progress.assumed.includes(link.hash));
  if (open.length > 0) {
    const silent = open.find(({ link }) => link.hash === progress.unreachable?.issued);
    if (silent !== undefined) return refuse(unreachable(issuerOf(silent.link)));
    const short = open.find(({ link }) => link.hash === progress.short?.issued);
    if (short !== undefined && progress.short !== undefined) {
      return refuse(waiting(progress.short.denial, call.price, now));
    }
    // Its credit is asked for in the same breath: an idle account costs one question, not two.
    const borrows = 'ask' in funding ? funding.ask : undefined;
    const all = open.map((each) => (each.link === borrows?.link ? borrows : each));
    return ask({ verdict: 'ask', asks: all, asset: call.asset }, wasShort(informed, all));
  }
  if (isUnsure) return stalePayer();
  if (!funding.funded) {
    if ('ask' in funding) {
      const { ask: wanted } = funding;
      return progress.unreachable?.issued === wanted.link.hash
        ? refuse(unreachable(issuerOf(wanted.link)))
        : ask({ verdict: 'ask', asks: [wanted], asset: call.asset }, wasShort(informed, [wanted]));
    }
    if ('halted' in funding) {
      const { halted: pause } = funding;
      return fetchLeases(lent, () => unchanged(informed, unavailableFor(pause)));
    }
    if ('denial' in funding) {
      const { denial } = funding;
      return fetchLeases(lent, () => refuse(denial));
    }
    return stalePayer();
  }
  const proofs = staleProofs(informed, grant, now);
  if (proofs.length > 0) {
    const asked = proofs.find(({ hash }) => evidence.grants?.some((each) => each.hash === hash));
    const denied = grant && linksOf(grant).find(({ hash }) => hash === asked?.hash);
    return denied === undefined
      ? unchanged(informed, { verdict: 'stale_grant', proofs })
      : refuse({
          rule: 'revoked',
          account: issuerOf(denied),
          retryAllowed: false,
          grant: denied.hash,
        });
  }

  const draft = draftOf(risked, call, attempt, policy, grant, funding, context);
  const decision = draft.dispatchedAt > 0 ? 'go' : 'settle';
  if (isDry) {
    return unchanged(countDenial(informed, now) ?? informed, {
      verdict: 'dry_run',
      decision,
      policy,
      paidFrom: paidFrom(draft),
      limits: limitsOf(informed, draft, context),
    });
  }
  const reserved = money.reserve(counting(risked, allowed), draft);
  const entered = append(reserved, draft, context, {
    type: 'call.accepted',
    binding: call.binding,
    evidence: callEvidence(call),
    decision,
    policy,
    amounts: { price: call.price.toString() },
    payment: {
      asset: call.asset,
      payTo: call.payTo,
      paidBy: funding.paidBy,
      ...(call.topUp === undefined ? {} : { creditTo: call.topUp.to }),
      ...(grant === undefined ? {} : { grant: grant.grant.hash }),
      ...(funding.lender === undefined ? {} : { lender: funding.lender }),
    },
  });
  const accepted: CallRecord = { ...entered.record, acceptedEntry: entered.hash };
  const { identifier } = accepted;
  const named =
    identifier === undefined ? [] : [put(IDENTIFIER, { digest: identifier, call: call.call })];
  const decided = changed(entered.state, accepted, permit(entered.state, accepted, context));
  return { ...decided, writes: [...decided.writes, ...named] };
};

/** Law 12: a trouble of ours is no denial of a policy, and leaves no entry. */
const unavailableFor = (retryAfter: Seconds): ReserveVerdict => ({
  verdict: 'settlement_unavailable',
  retryAfter,
});

/** Of a dry run: what a repeat would hear, and nothing of what it would change. */
const rehearsed = (
  state: AccountState,
  call: Call,
  told: Decision<ReserveVerdict>,
): Decision<ReserveVerdict> => {
  if (call.dryRun !== true) return told;
  const { verdict } = told;
  if (verdict.verdict !== 'go' && verdict.verdict !== 'settle') return unchanged(state, verdict);
  const { policy, paidFrom: from, limits } = verdict;
  const decision = verdict.verdict;
  return unchanged(state, { verdict: 'dry_run', decision, policy, paidFrom: from, limits });
};

/** What the chain said of the payer, and contract issuers of their signatures. */
const withEvidence = (state: AccountState, { facts, grants }: Evidence): AccountState => {
  const informed = facts === undefined ? state : withFacts(state, facts);
  const stood = (grants ?? []).filter(({ valid }) => valid);
  if (stood.length === 0) return informed;
  const checks = stood.map(({ hash, at }) => [hash, at] as const);
  return { ...informed, grantChecks: { ...informed.grantChecks, ...Object.fromEntries(checks) } };
};

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
