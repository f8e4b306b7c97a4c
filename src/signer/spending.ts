import type { Seconds } from '../core/clock.ts';
import { periodOf, windowName } from '../policy/window.ts';
import type { SignerPolicy, SignerWindow } from '../protocol/signer/policy.ts';

type Every = SignerWindow['every'];

/** The amounts that an agent's key has signed in the newest period of each window, and in total. Atomic units. */
export type Spending = {
  readonly lifetime: bigint;
  /** By window name: `hour`, `day`, `month`, `3600s`. */
  readonly windows: Readonly<Record<string, { readonly start: Seconds; readonly spent: bigint }>>;
};

export const NO_SPENDING: Spending = { lifetime: 0n, windows: {} };

/** Counted for every agent, so that a policy that names one of them later does not begin at zero. */
const ALWAYS: readonly Every[] = ['hour', 'day', 'month'];

/** The signed amount in the period of a window that contains `now`. */
export const spentIn = ({ windows }: Spending, every: Every, now: Seconds): bigint => {
  const known = windows[windowName(every)];
  // A clock that steps back must not open a new period.
  return known !== undefined && known.start >= periodOf(every, now).start ? known.spent : 0n;
};

/** Counts an amount in every window. Windows that the policy no longer names are dropped: their counters would never be read. */
export const withSpent = (
  spending: Spending,
  { windows }: Pick<SignerPolicy, 'windows'>,
  amount: bigint,
  now: Seconds,
): Spending => {
  const counted = new Set<Every>([...ALWAYS, ...windows.map(({ every }) => every)]);
  return {
    lifetime: spending.lifetime + amount,
    windows: Object.fromEntries(
      [...counted].map((every) => {
        const name = windowName(every);
        const start = Math.max(periodOf(every, now).start, spending.windows[name]?.start ?? 0);
        return [name, { start, spent: spentIn(spending, every, now) + amount }];
      }),
    ),
  };
};
