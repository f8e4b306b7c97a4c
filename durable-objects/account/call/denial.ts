import { deniedEvidence, paramEvidence, policyEvidence, textEvidence } from './evidence.ts';
import type { Progress } from './progress.ts';
import { type Context, type Decision, enter, stored, unstored } from '../decision.ts';
import { raiseBreaker } from '../log/alerts.ts';
import { type AccountState, type DenialBucket, type DeniedCall, isKnown } from '../state.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Source, Verdict } from '../../../src/policy/evaluate.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { Entry } from '../../../src/protocol/entry.ts';

/** Why a call is denied. Without an account, the rule belongs to the caller's own account. */
export type Refusal = Omit<Denial, 'policy' | 'account'> & Partial<Pick<Denial, 'account'>>;

/** Further equal denials within this time become one entry with a count. */
export const DENIAL_WINDOW: Seconds = 10;

/**
 * Denies a call without reserving its id. A stranger's denial writes nothing (law 12). The first denial of a known account by a rule is an
 * entry at once, so that its feed shows it; further ones within ten seconds only count in memory and become one entry, so that a runaway
 * agent costs two entries in ten seconds.
 *
 * @param sources what bound the call.
 */
export const deny = (
  state: AccountState,
  call: Call,
  denial: Denial,
  sources: readonly Source[],
  context: Context,
): Decision<{ readonly verdict: 'denied'; readonly denial: Denial }> => {
  const verdict = { verdict: 'denied', denial } as const;
  if (!isKnown(state)) return unstored(state, verdict);
  const flushed = flushDenials(state, context);
  const tripped = denial.rule === 'repeat' ? raiseBreaker(flushed.state, call, context) : undefined;
  const known = tripped?.state ?? flushed.state;
  const entries = [...flushed.entries, ...(tripped?.entries ?? [])];
  const open = known.denials.find(({ rule }) => rule === denial.rule);
  const denied = (): DeniedCall => deniedCall(state, call, denial, sources, context);
  if (open === undefined) {
    const { rule } = denial;
    const entered = enterDenials(known, denied(), 1, context);
    const denials = [...known.denials, { rule, since: context.now }];
    return stored({ ...entered.state, denials }, verdict, [...entries, entered.entry]);
  }
  const { first, count } = open.further ?? { first: denied(), count: 0 };
  const others = known.denials.filter(({ rule }) => rule !== denial.rule);
  const next = {
    ...known,
    denials: [...others, { ...open, further: { first, count: count + 1 } }],
  };
  return entries.length > 0 ? stored(next, verdict, entries) : unstored(next, verdict);
};

const deniedCall = (
  state: AccountState,
  call: Call,
  denial: Denial,
  sources: readonly Source[],
  context: Context,
): DeniedCall => ({
  rule: denial.rule,
  at: context.now,
  tool: call.tool,
  call: call.id,
  request: call.request,
  policy: denial.policy,
  of: ofDenial(denial),
  judged: judgedOf(state, call, denial, sources, context),
});

/** The account whose rule denied, and the state of the limit. */
const ofDenial = ({ account, limit, param, grant, authority }: Denial): DeniedCall['of'] => ({
  account,
  ...(limit === undefined ? {} : { limit }),
  ...(param === undefined ? {} : { param }),
  ...(grant === undefined ? {} : { grant }),
  ...(authority === undefined ? {} : { authority }),
});

/**
 * The inputs of the rule, so that an auditor can evaluate it again: the fields of the call, the policies that bound it, and the last entry
 * before the decision, because repeated denials become an entry later. It has only the digests of the signatures: the call did not run, so
 * a reader of the log could still send it.
 */
const judgedOf = (
  { head }: AccountState,
  call: Call,
  denial: Denial,
  sources: readonly Source[],
  context: Pick<Context, 'policy' | 'policyHash'>,
): DeniedCall['judged'] => ({
  after: head.seq,
  ...(call.topUp === undefined ? {} : { creditTo: call.topUp.to }),
  binding: call.binding,
  price: call.price.toString(),
  asset: call.asset,
  payTo: call.payTo,
  evidence: {
    ...deniedEvidence(call),
    ...policyEvidence(denial.policies ?? []),
    ...textEvidence(call, denial, context),
    ...paramEvidence(sources, call),
    validBefore: call.validBefore,
  },
});

const enterDenials = (
  state: AccountState,
  { rule, at, tool, call, request, policy, of, judged }: DeniedCall,
  count: number,
  context: Pick<Context, 'now' | 'salt'>,
): ReturnType<typeof enter> => {
  const { after, creditTo, binding, price, asset, payTo, evidence } = judged;
  return enter(state, context, {
    ...{ type: 'call.denied', at, call, tool, request, decision: 'denied', rule, count, policy },
    ...{ binding, evidence, amounts: { price } },
    payment: { asset, payTo, ...(creditTo === undefined ? {} : { creditTo }) },
    outcome: { ...of, after },
  });
};

/** Closes every bucket whose ten seconds are over, and writes its count as an entry. */
export const flushDenials = (
  state: AccountState,
  context: Pick<Context, 'now' | 'salt'>,
): { readonly state: AccountState; readonly entries: readonly Entry[] } => {
  const isOver = ({ since }: DenialBucket): boolean => context.now >= since + DENIAL_WINDOW;
  const over = state.denials.filter(isOver);
  if (over.length === 0) return { state, entries: [] };
  let next: AccountState = { ...state, denials: state.denials.filter((each) => !isOver(each)) };
  const entries = over.flatMap(({ further }) => {
    if (further === undefined) return [];
    const entered = enterDenials(next, further.first, further.count, context);
    next = entered.state;
    return [entered.entry];
  });
  return { state: next, entries };
};

type Refused = Extract<Verdict, { readonly allowed: false }>;

/** The refusal by a policy rule, with the account whose policy has the rule. */
export const refusalOf = (refused: Refused): Refusal => {
  const { rule, source, limit, retryAfter, param } = refused;
  const { kind, account, hash } = source.origin;
  return {
    rule,
    account,
    // A pause may end at any time.
    retryAllowed: retryAfter !== undefined || rule === 'paused',
    ...(limit === undefined ? {} : { limit }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(param === undefined ? {} : { param }),
    ...(kind === 'grant' || kind === 'lease' ? { grant: hash } : {}),
  };
};

/** The account denies a call if an ancestor does not answer (law 8). */
export const unreachable = (account: Denial['account']): Refusal => ({
  rule: 'unreachable',
  account,
  retryAllowed: true,
  retryAfter: 1,
});

/** The refusal when an ancestor's limit has too little remaining. A new period helps only if the whole limit would cover the price. */
export const shortOfLimit = (
  denial: NonNullable<Progress['short']>['denial'],
  price: bigint,
  now: Seconds,
): Refusal => {
  const { resetsAt, limit } = denial.limit ?? {};
  return resetsAt === undefined || price > BigInt(limit ?? 0)
    ? { ...denial, retryAllowed: denial.rule === 'credit' }
    : { ...denial, retryAllowed: true, retryAfter: Math.max(1, resetsAt - now) };
};
