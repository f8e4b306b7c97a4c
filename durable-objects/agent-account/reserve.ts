import { min } from '../../src/core/amount.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import type { Subject } from '../../src/policy/policy.ts';
import {
  grantOf,
  issuerOf,
  ownSources,
  rulesHash,
  sourcesAbove,
  staleProofs,
} from './authority.ts';
import type { Call, Denial, Evidence, ReserveVerdict } from './contract.ts';
import { append, changed, type Context, type Decision, unchanged } from './decision.ts';
import { deny } from './denial.ts';
import { counting, draftOf } from './draft.ts';
import { evidenceOf } from './evidence.ts';
import { fund, lenderOf, mustBorrow, withFacts } from './funds.ts';
import { type Ask, asksOf, lends } from './lessee.ts';
import * as money from './money.ts';
import { haltedAtOnce } from './outage.ts';
import { limitsOf, paidFrom, permit } from './permit.ts';
import type { Progress } from './progress.ts';
import type { CallRecord } from './record.ts';
import { mayRecall, type Refusal, refusalOf, unreachable, waiting } from './refusal.ts';
import { repeat } from './repeat.ts';
import { type AccountState, hasLentCredit, purseOf } from './state.ts';
import { linksOf } from './tree.ts';

/** What the account itself must learn from others of its tree before it can decide. */
export type Question =
  | { readonly verdict: 'ask'; readonly asks: readonly Ask[]; readonly asset: Call['asset'] }
  /** Those below have money of this account that they may not use. */
  | { readonly verdict: 'recall' };

const UNAVAILABLE: ReserveVerdict = { verdict: 'unavailable' };

/**
 * Claims a call: call id, every limit, the hold on the money and the record, in one decision (laws 2, 3, 6, 7).
 * Pure. A call that is known already is `repeat`'s; a denial never claims the id. What can be refused without asking an account above is
 * refused without asking; what was learned from one is looked at again here, after every wait (design §5).
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
  const standing = grantOf(informed, call, context.now);
  const grant = standing.stands ? standing.grant : undefined;
  const own = ownSources(informed, call.asset, grant, context);
  const sources = [...own, ...sourcesAbove(informed, grant, context.now), ...progress.above];
  const policy = rulesHash(sources);
  const refuse = (refusal: Refusal) => {
    const denial: Denial = { account: state.account, ...refusal, policy };
    return call.dryRun === true
      ? unchanged(state, { verdict: 'denied' as const, denial })
      : deny(informed, call, denial, context);
  };
  if (!standing.stands) return refuse(standing.denial);

  const subject = subjectOf(call);
  const allowed = evaluate(sources, subject, context.now);
  if (!allowed.allowed) {
    return mayRecall(informed, call, own, allowed) && !progress.recalled
      ? unchanged(informed, { verdict: 'recall' })
      : refuse(refusalOf(allowed));
  }
  // A policy that an operator wrote without saying so leaves the default's bound on what may be owed (law 7).
  const exposure = own.reduce(
    (least, each) => min(least, each.policy.exposure ?? least),
    own[0]?.policy.exposure ?? context.policy.exposure ?? 0n,
  );
  const halted = haltedAtOnce(informed, call, evidence, { exposure, grant, progress }, context.now);
  if (halted !== undefined) return unchanged(informed, unavailableFor(halted));
  // A top-up spends nothing yet, so nothing above counts it.
  const asks = subject.topUp ? [] : asksOf(informed, grant, call.price, context.now);
  const lender = mustBorrow(informed, call) ? lenderOf(grant, progress) : undefined;
  const open = asks.filter(({ link }) => !progress.assumed.includes(link.hash));
  if (open.length > 0) {
    const silent = open.find(({ link }) => link.hash === progress.unreachable?.issued);
    if (silent !== undefined) return refuse(unreachable(issuerOf(silent.link)));
    const short = open.find(({ link }) => link.hash === progress.short?.issued);
    if (short !== undefined && progress.short !== undefined) {
      return refuse(waiting(progress.short.denial, call.price, context.now));
    }
    // Its credit is asked for in the same breath: an idle account costs one question, not two.
    const all = open.map((ask) =>
      ask.link === lender && !lends(informed, lender, call.price)
        ? { ...ask, credit: call.price }
        : ask,
    );
    return unchanged(informed, { verdict: 'ask', asks: all, asset: call.asset });
  }
  const proofs = staleProofs(informed, grant, context.now);
  if (proofs.length > 0) {
    const asked = proofs.find(({ hash }) => evidence.grants?.some((each) => each.hash === hash));
    const denied = grant && linksOf(grant).find(({ hash }) => hash === asked?.hash);
    return denied === undefined
      ? // A Worker of the release before would take a word that it does not know for leave to run the tool.
        unchanged(
          informed,
          call.params === undefined ? UNAVAILABLE : { verdict: 'stale_grant', proofs },
        )
      : refuse({
          rule: 'revoked',
          account: issuerOf(denied),
          retryAllowed: false,
          grant: denied.hash,
        });
  }

  const openSince = () => context.openSince(call.asset);
  const backing = { exposure, grant, progress, openSince };
  const funding = fund(informed, call, evidence, backing, context.now);
  if (!funding.funded) {
    if ('ask' in funding) {
      const { ask } = funding;
      return progress.unreachable?.issued === ask.link.hash
        ? refuse(unreachable(issuerOf(ask.link)))
        : unchanged(informed, { verdict: 'ask', asks: [ask], asset: call.asset });
    }
    const isLent = hasLentCredit(purseOf(informed, call.asset), call.price) && !progress.recalled;
    if ('halted' in funding) {
      return unchanged(
        informed,
        isLent && call.topUp === undefined ? { verdict: 'recall' } : unavailableFor(funding.halted),
      );
    }
    if (funding.stale) return unchanged(state, { verdict: 'stale_payer' });
    return funding.denial.rule === 'credit' && isLent
      ? unchanged(informed, { verdict: 'recall' })
      : refuse(funding.denial);
  }

  const draft = draftOf(informed, call, attempt, policy, grant, funding, context);
  const decision = draft.dispatchedAt > 0 ? 'go' : 'settle';
  if (call.dryRun === true) {
    return unchanged(state, {
      verdict: 'dry_run',
      decision,
      policy,
      paidFrom: paidFrom(draft),
      limits: limitsOf(informed, draft, context),
    });
  }
  const agrees = call.authority !== undefined || funding.paidBy === 'lent';
  const counted = counting(informed, allowed, grant, agrees);
  const reserved = money.reserve(counted.state, draft);
  const entered = append(reserved, draft, context, {
    type: 'call.accepted',
    binding: call.binding,
    evidence: evidenceOf(call),
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
  return {
    ...changed(entered.state, accepted, permit(entered.state, accepted, context)),
    held: counted.held,
  };
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
