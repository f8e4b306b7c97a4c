import type { AssetId } from '../../src/core/account-id.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { Meter, Policy } from '../../src/policy/policy.ts';
import { everyOf, periodOf, rolled, windowName } from '../../src/policy/window.ts';
import { type AccountState, purseOf } from './state.ts';

/** A limit on money, and the name under which its spend is counted: two policies with a `day` share one count. */
export type NamedMeter = { readonly name: string; readonly meter: Meter };

/**
 * What a policy's limits on money have counted in this account. Money that was given to accounts below counts as held until they say
 * that it is spent.
 *
 * @param prefix names the counters of one grant apart from the account's own, e.g. `<hash>/`.
 */
export const metersOf = (
  state: AccountState,
  policy: Policy,
  asset: AssetId,
  now: Seconds,
  prefix = '',
): readonly NamedMeter[] => {
  const { windows } = purseOf(state, asset);
  const read = (name: string, limit: bigint, rule: Meter['rule']): NamedMeter => {
    const counted = `${prefix}${name}`;
    const every = everyOf(counted);
    const { spent, held, leased, drawn } = rolled(windows[counted], every, now);
    const { start, end } = periodOf(every, now);
    const times = rule === 'window' ? { resetsAt: end, window: end - start } : {};
    const meter = {
      rule,
      name,
      limit,
      spent: spent + drawn,
      held: held + leased - drawn,
      ...times,
    };
    return { name: counted, meter };
  };
  return [
    ...policy.windows
      .filter((window) => window.asset === undefined || window.asset === asset)
      .map(({ every, limit }) => read(windowName(every), limit, 'window')),
    ...(policy.lifetime === undefined ? [] : [read('lifetime', policy.lifetime, 'lifetime')]),
  ];
};
