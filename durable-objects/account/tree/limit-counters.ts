import type { Seconds } from '../../../src/core/clock.ts';
import type { SpendCounter } from '../../../src/policy/rule.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { type Every, periodOf, rolled, windowName } from '../../../src/policy/window.ts';
import type { AssetId } from '../../../src/protocol/account-id.ts';
import { purseOf } from '../purse.ts';
import type { AccountState } from '../state.ts';

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
