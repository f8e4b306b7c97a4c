import { remainingLimits, type Source, standstill } from '../../src/policy/evaluate.ts';
import { isFiat } from '../../src/protocol/fiat-asset.ts';
import type { Rights, RightsQuestion, RightsVerdict } from '../../src/protocol/account/rights.ts';
import { max, min } from '../../src/protocol/amount.ts';
import { isForbidden } from './call/screening.ts';
import type { Progress, TreeRequest } from './call/progress.ts';
import { type Context, type Decision, unstored } from './decision.ts';
import { freeCredit, purseOf } from './purse.ts';
import type { AccountState } from './state.ts';
import { chooseGrant } from './tree/call-grant.ts';
import { leaseNeeds } from './tree/lease-need.ts';
import { ancestorSources, ownSources } from './tree/sources.ts';

/**
 * Returns what a call of the account could do now: by the grant that `reserve` would choose, under the policies that it would check.
 * Without live leases it first requests the ancestors' policies, so a child never sees more than its ancestors allow. Reads only.
 */
export const rights = (
  state: AccountState,
  question: RightsQuestion,
  progress: Progress,
  context: Context,
): Decision<RightsVerdict | Extract<TreeRequest, { readonly verdict: 'lease' }>> => {
  const choice = chooseGrant(state, question, context.now);
  const grant = choice.chosen ? choice.grant : undefined;
  const needs = leaseNeeds(state, grant, 0n, context.now).filter(
    ({ link }) => !progress.wouldLend.includes(link.hash),
  );
  if (needs.length > 0) {
    return unstored(state, { verdict: 'lease', needs, asset: question.asset });
  }
  const own = ownSources(state, question.asset, grant, context);
  const sources = [
    ...own,
    ...ancestorSources(state, grant, context.now),
    ...progress.ancestorPolicies,
  ];
  const found = rightsOf(state, question, own, sources, context);
  return unstored(state, {
    verdict: 'found',
    rights: choice.chosen
      ? found
      : // Without a usable grant no policy chain exists that could allow a tool (law 8).
        {
          ...found,
          policies: [{ tools: [] }],
          stopped: { rule: choice.denial.rule, account: state.account },
        },
  });
};

const rightsOf = (
  state: AccountState,
  { asset }: RightsQuestion,
  own: readonly Source[],
  sources: readonly Source[],
  { now }: Context,
): Rights => {
  const stop = standstill(sources, now);
  const caps = sources.flatMap(({ origin, policy }) =>
    origin.kind === 'default' && isFiat(asset) ? [] : (policy.perCall ?? []),
  );
  const purse = purseOf(state, asset);
  const screening = isForbidden(state, now)
    ? { stopped: { rule: 'screening', account: state.account } as const }
    : {};
  return {
    account: state.account,
    asset,
    policies: sources.flatMap(({ policy: { tools } }) => (tools === undefined ? [] : { tools })),
    ...(stop === undefined
      ? screening
      : {
          stopped: {
            rule: stop.rule,
            account: stop.source.origin.account,
            ...(stop.retryAfter === undefined ? {} : { retryAfter: stop.retryAfter }),
          },
        }),
    ...(caps.length === 0 ? {} : { perCall: caps.reduce(min).toString() }),
    limits: remainingLimits(own, now),
    credit: max(0n, freeCredit(purse)).toString(),
    debt: max(0n, -purse.credit).toString(),
  };
};
