import { min } from '../../src/core/amount.ts';
import { evaluate, type Verdict } from '../../src/policy/evaluate.ts';
import type { Source, Subject } from '../../src/policy/policy.ts';
import {
  countersOf,
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
import { evidenceOf } from './evidence.ts';
import { fund, lenderOf, mustBorrow, withFacts } from './funds.ts';
import { type Ask, asksOf, lends } from './lessee.ts';
import * as money from './money.ts';
import { HOLD_GRACE, limitsOf, paidFrom, permit, SETTLE_LEASE } from './permit.ts';
import type { Progress } from './progress.ts';
import type { CallRecord } from './record.ts';
import { repeat } from './repeat.ts';
import { drawText, sliceOf } from './slices.ts';
import { type AccountState, purseOf } from './state.ts';
import { CREDIT, type HeldGrant, linksOf, type Tree } from './tree.ts';

/** What the account itself must learn from others of its tree before it can decide. */
export type Question =
  | { readonly verdict: 'ask'; readonly asks: readonly Ask[]; readonly asset: Call['asset'] }
  /** Those below have money of this account that they may not use. */
  | { readonly verdict: 'recall' };

const UNAVAILABLE: ReserveVerdict = { verdict: 'unavailable' };

type Short = NonNullable<Progress['short']>['denial'];
type Refusal = Omit<Denial, 'policy' | 'account'> & Partial<Pick<Denial, 'account'>>;

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

  // A policy that an operator wrote without saying so leaves the default's bound on what may be owed (law 7).
  const exposure = own.reduce(
    (least, each) => min(least, each.policy.exposure ?? least),
    own[0]?.policy.exposure ?? context.policy.exposure ?? 0n,
  );
  const funding = fund(informed, call, evidence, { exposure, grant, progress }, context.now);
  if (!funding.funded) {
    if ('ask' in funding) {
      const { ask } = funding;
      return progress.unreachable?.issued === ask.link.hash
        ? refuse(unreachable(issuerOf(ask.link)))
        : unchanged(informed, { verdict: 'ask', asks: [ask], asset: call.asset });
    }
    if (funding.stale) return unchanged(state, { verdict: 'stale_payer' });
    const { credit, creditHeld, creditLent } = purseOf(informed, call.asset);
    const isLent = creditLent > 0n && credit - creditHeld >= call.price;
    return funding.denial.rule === 'credit' && isLent && !progress.recalled
      ? unchanged(informed, { verdict: 'recall' })
      : refuse(funding.denial);
  }

  const runsNow = funding.paidBy !== 'upfront';
  const draft: CallRecord = {
    id: call.call,
    request: call.request,
    tool: call.tool,
    attempt,
    state: 'held',
    payment: funding.paidBy === 'deferred' || funding.paidBy === 'upfront' ? 'held' : 'none',
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
    sinceBlock: informed.factsBlock,
    looked: false,
    identifier: call.identifier,
    transaction: undefined,
    // §4.4: paid from credit, the authorization is dropped; nobody can present it from here.
    held: funding.paidBy === 'deferred' || funding.paidBy === 'upfront' ? call.payment : undefined,
    topUp: call.topUp?.to,
    answer: undefined,
    acceptedEntry: state.head.hash,
    finishedEntry: undefined,
    policy,
    windows: subject.topUp
      ? []
      : money.counted(
          informed,
          call.asset,
          countersOf(informed, call.asset, grant, context),
          context.now,
        ),
    grant: grant?.grant.hash,
    draws: subject.topUp ? [] : drawsOf(informed, grant, call.price, funding.lender),
    entries: [],
  };
  if (call.dryRun === true) {
    return unchanged(state, {
      verdict: 'dry_run',
      decision: runsNow ? 'go' : 'settle',
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
    decision: runsNow ? 'go' : 'settle',
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

const refusalOf = (refused: Extract<Verdict, { readonly allowed: false }>): Refusal => {
  const { rule, source, limit, retryAfter, param } = refused;
  const { kind, account, hash } = source.origin;
  return {
    rule,
    account,
    // A pause may end any time; nobody knows when.
    retryAllowed: retryAfter !== undefined || rule === 'paused',
    ...(limit === undefined ? {} : { limit }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(param === undefined ? {} : { param }),
    ...(kind === 'grant' || kind === 'lease' ? { grant: hash } : {}),
  };
};

/** Whether a limit of this account is used up only because accounts below have parts of it that they may give back. */
const mayRecall = (
  state: AccountState,
  { price, asset }: Call,
  own: readonly Source[],
  refused: Extract<Verdict, { readonly allowed: false }>,
): boolean => {
  const { meter } = refused;
  if (meter === undefined || !own.includes(refused.source)) return false;
  const leased = Object.values(purseOf(state, asset).windows).some(
    (counter) => (counter.leased ?? 0n) > (counter.drawn ?? 0n),
  );
  return leased && meter.spent + price <= meter.limit;
};

const unreachable = (account: Denial['account']): Refusal => ({
  rule: 'unreachable',
  account,
  retryAllowed: true,
  retryAfter: 1,
});

/** A new period helps only where the whole limit would cover the price. */
const waiting = (denial: Short, price: bigint, now: number): Refusal => {
  const { resetsAt, limit } = denial.limit ?? {};
  return resetsAt === undefined || price > BigInt(limit ?? 0)
    ? { ...denial, retryAllowed: denial.rule === 'credit' }
    : { ...denial, retryAllowed: true, retryAfter: Math.max(1, resetsAt - now) };
};

/** The slices above that a call counts in: every counter of every account above, and the lender's credit. */
const drawsOf = (
  { tree, leases }: AccountState,
  grant: HeldGrant | undefined,
  price: bigint,
  lender: CallRecord['grant'],
): readonly string[] => {
  if (grant === undefined || price === 0n) return [];
  return linksOf(grant).flatMap(({ hash: issued }) => {
    const names = [...(leases[issued]?.names ?? []), ...(issued === lender ? [CREDIT] : [])];
    return names.map((name) =>
      drawText({ issued, name, start: sliceOf(tree, issued, name).start }),
    );
  });
};

/**
 * Rate states and repeats after an accepted call. Whoever names a grant, or spends what comes with it, agrees to it; who was only given one does not, or a stranger
 * could tie an account to himself by a grant that it never asked for (§4.5).
 */
const counting = (
  state: AccountState,
  { arrivals, repeats }: Extract<Verdict, { readonly allowed: true }>,
  grant: HeldGrant | undefined,
  agrees: boolean,
): { readonly state: AccountState; readonly held: readonly HeldGrant[] } => {
  const { base = state.arrival, owner: ownerArrival } = arrivals;
  const tree: Tree =
    ownerArrival === undefined && Object.keys(repeats).length === 0
      ? state.tree
      : {
          ...state.tree,
          ownerArrival: ownerArrival ?? state.tree.ownerArrival,
          repeats: { ...state.tree.repeats, ...repeats },
        };
  const next = { ...state, arrival: base, tree };
  if (grant === undefined || grant.taken || !agrees) return { state: next, held: [] };
  const taken = { ...grant, taken: true };
  const held = state.held.map((each) => (each === grant ? taken : each));
  return { state: { ...next, tree: { ...tree, governed: true }, held }, held: [taken] };
};
