import type { Source } from '../../../src/policy/evaluate.ts';
import type { SpendCounter } from '../../../src/policy/rule.ts';
import type { AssetId } from '../../../src/protocol/account-id.ts';
import type { Call } from '../../../src/protocol/account/call.ts';
import type { Funding } from '../call/funds.ts';
import { freeCredit, type Purse, purseOf, withPurse } from '../purse.ts';
import type { AccountState } from '../state.ts';

/**
 * Whether descendants could free what a need lacks. `now`: what they reported as unused is enough. `perhaps`: only if calls fail that
 * they reported as running. `never`: not even if they returned everything.
 */
export type Reach = 'now' | 'perhaps' | 'never';

type Lent = NonNullable<SpendCounter['lent']>;

const reachOf = (need: bigint, left: bigint, { unused, held }: Lent): Reach => {
  if (need <= left + unused) return 'now';
  return need <= left + unused + held ? 'perhaps' : 'never';
};

const NOTHING: Lent = { unused: 0n, held: 0n };

/** @param need what the asker must have in all, its own unused share included. Atomic units. */
export const reachOfLimit = ({ limit, spent, held, lent }: SpendCounter, need: bigint): Reach =>
  reachOf(need, limit - spent - held, lent ?? NOTHING);

/** The limit that lacks most for a price, and the sources with that limit alone. */
export const furthest = (
  sources: readonly Source[],
  price: bigint,
): { readonly reach: Reach; readonly sources: readonly Source[] } => {
  let worst: SpendCounter | undefined;
  let reach: Reach | undefined;
  for (const counter of sources.flatMap(({ counters }) => counters)) {
    const each = reachOfLimit(counter, price);
    if (isWorse(each, reach)) [worst, reach] = [counter, each];
  }
  return {
    reach: reach ?? 'now',
    sources: sources.map((each) => ({
      ...each,
      counters: each.counters.filter((counter) => counter === worst),
    })),
  };
};

/** As `reachOfLimit`, for the account's credit. */
export const reachOfCredit = (purse: Purse, need: bigint): Reach =>
  reachOf(need, freeCredit(purse), lentCredit(purse));

/** For the credit that would pay for a call, if the account lacks it only because descendants have some. */
export const lentReach = (
  state: AccountState,
  { asset, price, topUp }: Pick<Call, 'asset' | 'price' | 'topUp'>,
  funding: Funding,
): Reach => {
  const lacksCredit =
    !funding.funded &&
    ('halted' in funding || ('denial' in funding && funding.denial.rule === 'credit'));
  return lacksCredit && topUp === undefined ? reachOfCredit(purseOf(state, asset), price) : 'never';
};

const lentCredit = ({ creditLent, creditHeldBelow }: Purse): Lent => ({
  unused: creditLent - creditHeldBelow,
  held: creditHeldBelow,
});

const ORDER: readonly Reach[] = ['now', 'perhaps', 'never'];

/** Whether one is worse than another: a need is met only if every limit covers it. */
export const isWorse = (one: Reach, other: Reach | undefined): boolean =>
  other === undefined || ORDER.indexOf(one) > ORDER.indexOf(other);

/** Whether descendants have shares of this account that they may not use. */
export const hasLent = (state: AccountState, asset: AssetId): boolean => {
  const { windows, creditLent } = purseOf(state, asset);
  return creditLent > 0n || Object.values(windows).some(({ leased, drawn }) => leased > drawn);
};

/** The account as if descendants had returned what they do not use. For dry runs, which take nothing. */
export const withAllReturned = (state: AccountState, asset: AssetId): AccountState => {
  const purse = purseOf(state, asset);
  const windows = Object.entries(purse.windows).map(([name, counter]) => [
    name,
    { ...counter, leased: counter.drawn + counter.heldBelow },
  ]);
  return withPurse(state, asset, {
    ...purse,
    windows: Object.fromEntries(windows),
    creditLent: purse.creditHeldBelow,
  });
};
