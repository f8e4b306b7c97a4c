import type { Seconds } from '../../../src/core/clock.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import type { SpendCounter } from '../../../src/policy/rule.ts';
import { type Every, everyOf, periodOf, rolled, windowName } from '../../../src/policy/window.ts';
import type { AssetId } from '../../../src/protocol/account-id.ts';
import type { Context } from '../decision.ts';
import { type Purse, purseOf } from '../purse.ts';
import type { AccountState } from '../state.ts';
import type { HeldGrant } from './grants.ts';
import { withoutEnded } from './share.ts';

/** A limit on money, and the name of its counter: two policies with a `day` share one counter. */
export type NamedCounter = {
  readonly name: string;
  /** Start of the counted period; a clock that is set back does not begin an older one again. */
  readonly start: Seconds;
  readonly counter: SpendCounter;
};

const inAsset =
  (asset: AssetId) =>
  (window: Policy['windows'][number]): boolean =>
    window.asset === undefined || window.asset === asset;

/** The names of the counters that a policy's limits on money read. */
export const namesOf = (policy: Policy, asset: AssetId, prefix = ''): readonly string[] => [
  ...policy.windows.filter(inAsset(asset)).map(({ every }) => `${prefix}${windowName(every)}`),
  ...(policy.lifetime === undefined ? [] : [`${prefix}lifetime`]),
];

/**
 * Returns the counters of a policy's limits on money in this account. Money that descendants have counts as held until they report it as
 * spent.
 *
 * @param prefix separates the counters of one grant from the account's own, e.g. `<hash>/`.
 */
export const limitCounters = (
  state: AccountState,
  policy: Policy,
  asset: AssetId,
  now: Seconds,
  prefix = '',
): readonly NamedCounter[] => {
  const { windows } = purseOf(state, asset);
  const read = (every: Every, limit: bigint, rule: SpendCounter['rule']): NamedCounter => {
    const name = windowName(every);
    const counterName = `${prefix}${name}`;
    const { start, spent, held, leased, drawn, heldByDescendants } = rolled(
      windows[counterName],
      every,
      now,
    );
    const { end } = periodOf(every, start);
    const times = rule === 'window' ? { resetsAt: end, window: end - start } : {};
    const used = { spent: spent + drawn, held: held + leased - drawn };
    const lent = { unused: leased - drawn - heldByDescendants, held: heldByDescendants };
    return { name: counterName, start, counter: { rule, name, limit, ...used, lent, ...times } };
  };
  return [
    ...policy.windows
      .filter(inAsset(asset))
      .map(({ every, limit }) => read(every, limit, 'window')),
    ...(policy.lifetime === undefined ? [] : [read('lifetime', policy.lifetime, 'lifetime')]),
  ];
};

/** How long after its period a counter may be deleted: the clocks of an account and its descendants differ, and may be set back. */
const GRACE: Seconds = 3_600;

/** The most counters of one asset that a policy may add windows to: every commit stores them. */
const MAX_COUNTERS = 128;

/** The longest time that a policy may count repeats for (`repeat.seconds`). */
const LONGEST_REPEAT: Seconds = 86_400;

/** Policies in force, whose counters are read. */
type InForce = { readonly own: readonly Policy[]; readonly held: readonly HeldGrant[] };

const inForce = ({ tree, held }: AccountState, { policy }: Pick<Context, 'policy'>): InForce => ({
  own: [tree.operator?.policy ?? policy, ...(tree.owner === undefined ? [] : [tree.owner.policy])],
  held,
});

const isRead = (name: string, asset: AssetId, { own, held }: InForce): boolean => {
  const [hash, counter] = name.split('/');
  if (counter === undefined) return own.some((policy) => namesOf(policy, asset).includes(name));
  // A revoked grant never returns; one that was declined or superseded may be taken again.
  return held.some(({ grant, status }) => grant.hash === hash && status !== 'revoked');
};

/**
 * Whether nothing refers to a counter any more. A counter is identified by its length, asset and grant, never by the policy that wrote the
 * limit: a limit that is edited, or removed and restored, keeps its count. So a window outlives its policies until its period is over, and
 * `lifetime` stays with its account. A grant's counters end earlier, with a revoked grant, once no call holds and no descendant has
 * anything of them.
 */
const isOver = (
  name: string,
  counter: Purse['windows'][string] | undefined,
  now: Seconds,
): boolean => {
  if (counter === undefined) return true;
  const { start, held, leased, drawn } = counter;
  if (now >= periodOf(everyOf(name), start).end + GRACE) return true;
  return name.includes('/') && held === 0n && leased === drawn;
};

/** Returns the account without counters and shares that nothing refers to; the same state if there are none. */
export const withoutDeadCounters = (
  state: AccountState,
  context: Pick<Context, 'now' | 'policy'>,
): AccountState => {
  const { now } = context;
  const policies = inForce(state, context);
  let { purses, tree } = state;
  for (const [key, purse] of Object.entries(state.purses)) {
    const asset = key as AssetId;
    const windows = Object.entries(purse.windows);
    const kept = windows.filter(
      ([name, counter]) => isRead(name, asset, policies) || !isOver(name, counter, now),
    );
    if (kept.length < windows.length) {
      purses = { ...purses, [asset]: { ...purse, windows: Object.fromEntries(kept) } };
    }
  }
  for (const [issued, shares] of Object.entries(tree.shares)) {
    const kept = withoutEnded(shares, now);
    if (kept !== shares) tree = { ...tree, shares: { ...tree.shares, [issued]: kept } };
  }
  const repeats = liveRepeats(state, policies, now);
  if (repeats !== tree.repeats) tree = { ...tree, repeats };
  return purses === state.purses && tree === state.tree ? state : { ...state, purses, tree };
};

/** Repeat counts; without a policy that has such a rule, for as long as any rule could have counted them. */
const liveRepeats = (
  { tree: { repeats } }: AccountState,
  { own: [base, owner] }: InForce,
  now: Seconds,
): AccountState['tree']['repeats'] => {
  const policies: Readonly<Record<string, Policy | undefined>> = { base, owner };
  const kept = Object.entries(repeats).flatMap(([key, counts]) => {
    if (policies[key]?.repeat !== undefined) return [[key, counts] as const];
    const live = Object.entries(counts).filter(([, { since }]) => now < since + LONGEST_REPEAT);
    return live.length === 0 ? [] : [[key, Object.fromEntries(live)] as const];
  });
  const size = (all: AccountState['tree']['repeats']): number =>
    Object.values(all).reduce((sum, counts) => sum + 1 + Object.keys(counts).length, 0);
  const next = Object.fromEntries(kept);
  return size(next) === size(repeats) ? repeats : next;
};

/** The first window of a policy that would exceed the number of counters of an asset; undefined if all fit. */
export const windowBeyondCap = (state: AccountState, policy: Policy): string | undefined => {
  for (const [asset, { windows }] of Object.entries(state.purses)) {
    const fresh = policy.windows.filter(
      ({ every, asset: of }) =>
        (of === undefined || of === asset) && windows[windowName(every)] === undefined,
    );
    const remaining = MAX_COUNTERS - Object.keys(windows).length;
    const beyond = fresh[Math.max(0, remaining)];
    if (beyond !== undefined) return windowName(beyond.every);
  }
  return undefined;
};
