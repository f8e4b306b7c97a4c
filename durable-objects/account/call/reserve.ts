import type { Seconds } from '../../../src/core/clock.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import type { Subject } from '../../../src/policy/rule.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Call, Evidence } from '../../../src/protocol/account/call.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import { min } from '../../../src/protocol/amount.ts';
import { put } from '../../store/noun.ts';
import { append, changed, type Context, type Decision, unchanged } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { chooseGrant, namesUntaken, staleProofs } from '../tree/call-grant.ts';
import { issuerOf, linksOf } from '../tree/grants.ts';
import { type LeaseNeed, leaseNeeds, wasRefused, wasShort } from '../tree/lease-need.ts';
import { withReports } from '../tree/merge-report.ts';
import {
  hasLent,
  lentCreditRecovery,
  type Recovery,
  withAllReturned,
  worstLimit,
} from '../tree/recovery.ts';
import { ancestorSources, ownSources, rulesHash } from '../tree/sources.ts';
import { deny } from './denial.ts';
import { counting, draftOf } from './draft.ts';
import { callEvidence } from './evidence.ts';
import { fund, isStale, withFacts } from './funds.ts';
import { IDENTIFIER } from './identifier.ts';
import * as money from './money.ts';
import { haltedAtOnce } from './outage.ts';
import { countDenial, countRisk, failureRefusal, floodRefusal, isFlooded } from './pace.ts';
import { limitsOf, paidFrom, permit } from './permit.ts';
import type { Progress } from './progress.ts';
import type { CallRecord } from './record.ts';
import { type Refusal, refusalOf, unreachable, waiting } from './refusal.ts';
import { repeat } from './repeat.ts';

/** The request to other accounts of the tree that the account needs before it can decide. */
export type Question =
  | {
      readonly verdict: 'lease';
      readonly needs: readonly LeaseNeed[];
      readonly asset: Call['asset'];
    }
  /** Descendants may hold money of this account that they do not use: they report it (`look`), or return it (`recall`). */
  | { readonly verdict: 'report' }
  | { readonly verdict: 'recall' };

/** Rounds of recalls that one call may cause: each round asks the descendants with most unused money. */
export const MAX_RECALLS = 16;

/**
 * Reserves a call: its id, every limit, the hold on the money and the record, in one decision (laws 2, 3, 6, 7). Pure. `repeat` decides
 * a known call; a denial never reserves the id. What can be refused without other accounts is refused first, so that a denied call
 * costs them nothing.
 *
 * CWE-367: a limit may change during each wait for another account, so the whole call is decided again after every answer.
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
  // An expired proof may look up, never execute.
  if (!call.execute) return unchanged(state, { verdict: 'expired' });

  const informed = withEvidence(state, evidence);
  const { now } = context;
  const isDry = call.dryRun === true;
  const isFlooding = isFlooded(informed, now);
  const isSought = evidence.soughtGrant === true || !namesUntaken(state, call);
  // A dry run consents to nothing, and during a flood of denied calls the account looks up no grants.
  if (!isSought && !isDry && !isFlooding) return unchanged(state, { verdict: 'unknown_grant' });
  const choice = chooseGrant(informed, call, now);
  const grant = choice.chosen ? choice.grant : undefined;
  // A dry run takes nothing from other accounts: shares that descendants would return count as returned.
  const view = isDry
    ? withAllReturned(withReports(informed, progress.reports, context), call.asset)
    : informed;
  const own = ownSources(view, call.asset, grant, context);
  const ancestors = [...ancestorSources(informed, grant, now), ...progress.ancestorPolicies];
  const policy = rulesHash([...own, ...ancestors]);
  const refuse = (refusal: Refusal): Decision<ReserveVerdict> => {
    const counted = countDenial(informed, now);
    const reported = counted === undefined ? floodRefusal(informed, now) : refusal;
    const authority = grant?.grant.hash ?? reported.grant;
    const denial: Denial = {
      account: state.account,
      ...reported,
      ...(authority === undefined ? {} : { authority }),
      policy,
    };
    return isDry
      ? unchanged(counted ?? informed, { verdict: 'denied', denial })
      : deny(counted ?? informed, call, denial, context);
  };
  /** While denied calls have used up their rate, the account asks no other account for a call that would be denied. */
  const ask = (question: ReserveVerdict | Question, isVain: boolean) =>
    isFlooding && isVain
      ? refuse(floodRefusal(informed, now))
      : unchanged<ReserveVerdict | Question>(informed, question);
  if (!choice.chosen) return refuse(choice.denial);
  if (isDry && isFlooding) return refuse(floodRefusal(informed, now));
  if (isDry && !progress.descendantsReported && hasLent(informed, call.asset)) {
    return unchanged(informed, { verdict: 'report' });
  }

  // An operator's policy without `exposure` keeps the default's bound on unpaid service (law 7).
  const exposure = own.reduce(
    (least, each) => min(least, each.policy.exposure ?? least),
    own[0]?.policy.exposure ?? context.policy.exposure ?? 0n,
  );
  const openSince = () => context.openSince(call.asset);
  const funding = fund(view, call, evidence, { exposure, grant, progress, openSince }, now);
  const lent = lentCreditRecovery(view, call, funding);
  const canBePaid = funding.funded || 'ask' in funding || lent !== 'never';
  // Old facts are requested; fresh facts that are insufficient were requested in vain before.
  const isUnsure = !funding.funded && 'stale' in funding && funding.stale;
  const stalePayer = () => ask({ verdict: 'stale_payer' }, !isStale(informed, now));
  /** Makes descendants report their unused shares, then return them, but only if that would let the call run. */
  const fetchLeases = (recovery: Recovery, otherwise: () => Decision<ReserveVerdict>) => {
    if (recovery === 'never' || isDry) return otherwise();
    if (!progress.descendantsReported) return ask({ verdict: 'report' }, true);
    return recovery === 'now' && progress.recalls < MAX_RECALLS
      ? ask({ verdict: 'recall' }, true)
      : otherwise();
  };

  const subject = subjectOf(call);
  const allowed = evaluate([...own, ...ancestors], subject, now);
  if (!allowed.allowed) {
    if (allowed.counter === undefined) return refuse(refusalOf(allowed));
    // A limit that unused shares of descendants would satisfy is not the reason for a denial; another limit may be.
    const returned = withAllReturned(informed, call.asset);
    const { recovery, sources } = worstLimit(
      ownSources(returned, call.asset, grant, context),
      call.price,
    );
    const then = evaluate([...sources, ...ancestors], subject, now);
    const refusal = refusalOf(then.allowed ? allowed : then);
    if (!then.allowed && (then.counter === undefined || recovery === 'now')) return refuse(refusal);
    if (recovery === 'never') return refuse(refusal);
    if (isUnsure) return stalePayer();
    // If nothing can pay for the call, that is the reason, not the limit that a recall would restore.
    if (!canBePaid && 'denial' in funding) return refuse(funding.denial);
    return fetchLeases(recovery, () => refuse(refusal));
  }
  const halted = haltedAtOnce(informed, call, evidence, { exposure, grant, progress }, now);
  if (halted !== undefined) return unchanged(informed, unavailableFor(halted));
  const isDeferred = funding.funded && funding.paidBy === 'deferred';
  const risked = isDeferred ? countRisk(informed, context.released(), now) : informed;
  if (risked === undefined) return refuse(failureRefusal(informed, now));

  // A top-up spends nothing yet, so no ancestor counts it. A call that nothing can pay for gets no share of a limit.
  const needs = subject.topUp
    ? []
    : canBePaid
      ? leaseNeeds(informed, grant, call.price, now)
      : leaseNeeds(informed, grant, 0n, now).filter(({ link }) => wasRefused(informed, link));
  const open = needs.filter(({ link }) => !progress.wouldLend.includes(link.hash));
  if (open.length > 0) {
    const silent = open.find(({ link }) => link.hash === progress.unreachable?.issued);
    if (silent !== undefined) return refuse(unreachable(issuerOf(silent.link)));
    const short = open.find(({ link }) => link.hash === progress.short?.issued);
    if (short !== undefined && progress.short !== undefined) {
      return refuse(waiting(progress.short.denial, call.price, now));
    }
    // Ask for the ancestor's credit in the same request: an idle account then costs one request, not two.
    const borrows = 'ask' in funding ? funding.ask : undefined;
    const all = open.map((each) => (each.link === borrows?.link ? borrows : each));
    return ask({ verdict: 'lease', needs: all, asset: call.asset }, wasShort(informed, all));
  }
  if (isUnsure) return stalePayer();
  if (!funding.funded) {
    if ('ask' in funding) {
      const { ask: wanted } = funding;
      return progress.unreachable?.issued === wanted.link.hash
        ? refuse(unreachable(issuerOf(wanted.link)))
        : ask(
            { verdict: 'lease', needs: [wanted], asset: call.asset },
            wasShort(informed, [wanted]),
          );
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
    const answered = proofs.find(({ hash }) => evidence.grants?.some((each) => each.hash === hash));
    const rejected = grant && linksOf(grant).find(({ hash }) => hash === answered?.hash);
    return rejected === undefined
      ? unchanged(informed, { verdict: 'stale_grant', proofs })
      : refuse({
          rule: 'revoked',
          account: issuerOf(rejected),
          retryAllowed: false,
          grant: rejected.hash,
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

/** An outage of ours is not a denial by a policy, so it writes no entry (law 12). */
const unavailableFor = (retryAfter: Seconds): ReserveVerdict => ({
  verdict: 'settlement_unavailable',
  retryAfter,
});

/** Returns the verdict that a repeat would get; for a dry run without its changes. */
const rehearsed = (
  state: AccountState,
  call: Call,
  decision: Decision<ReserveVerdict>,
): Decision<ReserveVerdict> => {
  if (call.dryRun !== true) return decision;
  const { verdict } = decision;
  if (verdict.verdict !== 'go' && verdict.verdict !== 'settle') return unchanged(state, verdict);
  const { policy, paidFrom: from, limits } = verdict;
  const next = verdict.verdict;
  return unchanged(state, { verdict: 'dry_run', decision: next, policy, paidFrom: from, limits });
};

/** Updates the account's memory with the chain's facts about the payer and with the contracts that confirmed their signatures. */
const withEvidence = (state: AccountState, { facts, grants }: Evidence): AccountState => {
  const informed = facts === undefined ? state : withFacts(state, facts);
  const confirmed = (grants ?? []).filter(({ valid }) => valid);
  if (confirmed.length === 0) return informed;
  const checks = confirmed.map(({ hash, at }) => [hash, at] as const);
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
