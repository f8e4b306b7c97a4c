import { counterState } from '../../../src/policy/rule.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { WindowSpend } from '../../../src/policy/window.ts';
import type { AssetId } from '../../../src/protocol/account-id.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import type { Context } from '../decision.ts';
import { purseOf, withPurse } from '../purse.ts';
import type { AccountState } from '../state.ts';
import { hashOf } from '../tree/authority-over.ts';
import { limitCounters, type NamedCounter } from '../tree/counters.ts';
import { raisedOnce } from './recent-alerts.ts';

/** Percent of a limit at which an alert is raised by default. */
const SOFT_PERCENT = 80;

/** A limit on money of this account, with the percentage of its alert. */
type Soft = NamedCounter & {
  readonly key: string;
  readonly prefix: string;
  readonly percent: number;
  readonly grant?: string;
};

/**
 * Limits whose soft percentage was just exceeded. Money that descendants have counts once they report it as spent: an unused share may
 * still return. The counter itself remembers the alert, so that neither a restart nor the next call raises it again in its period.
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
  const crossed = limits.filter(({ name, key, percent, counter }) => {
    const spend = purse.windows[name];
    return (
      spend !== undefined &&
      usedOf(spend) * 100n >= counter.limit * BigInt(percent) &&
      spend.warned?.includes(key) !== true
    );
  });
  let state = after;
  // Each alert costs rows, and messages to all ancestors, so windows of a second, or limits that change all the time, must not raise one
  // each time.
  const news = crossed.filter(({ name, key }) => {
    const raised = raisedOnce(state, hashOf([asset, name, key]), context.now);
    state = raised ?? state;
    return raised !== undefined;
  });
  if (news.length === 0) return { state: after, alerts: [] };
  const windows = { ...purse.windows };
  for (const name of new Set(news.map((each) => each.name))) {
    const spend = windows[name];
    const keys = limits.filter((each) => each.name === name).map(({ key }) => key);
    const warnedNow = news.filter((each) => each.name === name).map(({ key }) => key);
    // Alerts of removed limits are forgotten: the stored account must not grow with each change of a policy.
    const known = (spend?.warned ?? []).filter((key) => keys.includes(key));
    if (spend !== undefined) windows[name] = { ...spend, warned: [...known, ...warnedNow] };
  }
  return {
    state: withPurse(state, asset, { ...purse, windows }),
    alerts: news.map((soft) => alertOf(soft, asset, usedOf(purse.windows[soft.name]))),
  };
};

/** The spend of this account and its descendants, and the holds of its own calls. */
const usedOf = (spend: WindowSpend | undefined): bigint =>
  spend === undefined ? 0n : spend.spent + spend.held + (spend.drawn ?? 0n);

const grownSince = (
  before: Readonly<Record<string, WindowSpend>>,
  after: Readonly<Record<string, WindowSpend>>,
): readonly string[] =>
  Object.entries(after)
    .filter(([name, spend]) => {
      const known = before[name];
      return known !== spend && usedOf(spend) > (known?.start === spend.start ? usedOf(known) : 0n);
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
    limitCounters(state, policy, asset, context.now, of === '' ? '' : `${of}/`)
      .filter(({ name }) => names.includes(name))
      .map((named) => ({
        ...named,
        // Writing the same limit again raises no second alert; a higher limit does.
        key: `${kind} ${named.counter.limit}`,
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
  { counter, prefix, percent, grant }: Soft,
  asset: AssetId,
  used: bigint,
): AlertBody => ({
  rule: 'soft_limit',
  detail: {
    limit: counterState(counter, prefix).rule,
    asset,
    percent,
    max: counter.limit.toString(),
    used: used.toString(),
    ...(counter.resetsAt === undefined ? {} : { resetsAt: counter.resetsAt }),
    ...(grant === undefined ? {} : { grant }),
  },
});
