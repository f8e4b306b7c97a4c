import type { AssetId } from '../../../src/protocol/account-id.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { WindowSpend } from '../../../src/policy/window.ts';
import { counterState } from '../../../src/policy/limit.ts';
import type { Context } from '../decision.ts';
import { hashOf } from '../tree/issued.ts';
import { metersOf, type NamedMeter } from '../tree/limit-counters.ts';
import { saidOnce } from './recent-alerts.ts';
import { type AccountState, purseOf, withPurse } from '../state.ts';
import type { AlertBody } from '../../../src/protocol/account/alert.ts';

/** Percent of a limit at which an alert is raised, where its policy says nothing. */
const SOFT_PERCENT = 80;

/** One limit on money of this account, with the percentage at which its owner wants to hear of it. */
type Soft = NamedMeter & {
  readonly key: string;
  readonly prefix: string;
  readonly percent: number;
  readonly grant?: string;
};

/**
 * Limits of which more than their soft percentage is used up now, and was not before. What was handed to accounts below counts when they
 * say that it is spent: a share that rests with them may still come back. The counter itself remembers, so that neither a restart nor
 * the next call says it again in its period.
 */
export const crossings = (
  before: AccountState,
  after: AccountState,
  asset: AssetId,
  context: Context,
): { readonly state: AccountState; readonly alerts: readonly AlertBody[] } => {
  const purse = purseOf(after, asset);
  const grown = grownSince(purseOf(before, asset).windows, purse.windows);
  if (grown.length === 0) return { state: after, alerts: [] };
  const limits = softLimitsOf(after, asset, grown, context);
  const crossed = limits.filter(({ name, key, percent, meter }) => {
    const counter = purse.windows[name];
    return (
      counter !== undefined &&
      usedOf(counter) * 100n >= meter.limit * BigInt(percent) &&
      counter.warned?.includes(key) !== true
    );
  });
  let state = after;
  // Each alert is rows, and messages to everybody above: windows of a second, or limits that change all the time, are not news each time.
  const news = crossed.filter(({ name, key }) => {
    const said = saidOnce(state, hashOf([asset, name, key]), context.now);
    state = said ?? state;
    return said !== undefined;
  });
  if (news.length === 0) return { state: after, alerts: [] };
  const windows = { ...purse.windows };
  for (const name of new Set(news.map((each) => each.name))) {
    const counter = windows[name];
    const keys = limits.filter((each) => each.name === name).map(({ key }) => key);
    const said = news.filter((each) => each.name === name).map(({ key }) => key);
    // Of limits that are gone nothing is remembered: the row must not grow with each change of a policy.
    const known = (counter?.warned ?? []).filter((key) => keys.includes(key));
    if (counter !== undefined) windows[name] = { ...counter, warned: [...known, ...said] };
  }
  return {
    state: withPurse(state, asset, { ...purse, windows }),
    alerts: news.map((soft) => alertOf(soft, asset, usedOf(purse.windows[soft.name]))),
  };
};

/** What calls here and below have spent, and what calls here hold. */
const usedOf = (counter: WindowSpend | undefined): bigint =>
  counter === undefined ? 0n : counter.spent + counter.held + (counter.drawn ?? 0n);

const grownSince = (
  before: Readonly<Record<string, WindowSpend>>,
  after: Readonly<Record<string, WindowSpend>>,
): readonly string[] =>
  Object.entries(after)
    .filter(([name, counter]) => {
      const known = before[name];
      return (
        known !== counter && usedOf(counter) > (known?.start === counter.start ? usedOf(known) : 0n)
      );
    })
    .map(([name]) => name);

/** Every limit on money that reads one of these counters. */
const softLimitsOf = (
  state: AccountState,
  asset: AssetId,
  names: readonly string[],
  context: Context,
): readonly Soft[] => {
  const { operator, owner } = state.tree;
  const soft = (kind: string, policy: Policy, prefix: string, of = ''): readonly Soft[] =>
    metersOf(state, policy, asset, context.now, of === '' ? '' : `${of}/`)
      .filter(({ name }) => names.includes(name))
      .map((named) => ({
        ...named,
        // The same limit written anew is no news; a higher one is.
        key: `${kind} ${named.meter.limit}`,
        prefix,
        percent: policy.softPercent ?? SOFT_PERCENT,
        ...(of === '' ? {} : { grant: of }),
      }));
  return [
    ...soft('base', operator?.policy ?? context.policy, ''),
    ...(owner === undefined ? [] : soft('owner', owner.policy, 'owner:')),
    ...state.held
      .filter(({ grant }) => names.some((name) => name.startsWith(`${grant.hash}/`)))
      .flatMap(({ grant, policy }) => soft('grant', policy, 'grant:', grant.hash)),
  ];
};

const alertOf = (
  { meter, prefix, percent, grant }: Soft,
  asset: AssetId,
  used: bigint,
): AlertBody => ({
  rule: 'soft_limit',
  detail: {
    limit: counterState(meter, prefix).rule,
    asset,
    percent,
    max: meter.limit.toString(),
    used: used.toString(),
    ...(meter.resetsAt === undefined ? {} : { resetsAt: meter.resetsAt }),
    ...(grant === undefined ? {} : { grant }),
  },
});
