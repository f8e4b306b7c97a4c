import { freeCredit, type Purse, purseOf, withPurse } from '../purse.ts';
import type { AccountState } from '../state.ts';
import type { Source } from '../../../src/policy/evaluate.ts';
import type { SpendCounter } from '../../../src/policy/rule.ts';
import type { AssetId } from '../../../src/protocol/account-id.ts';

/**
 * Whether descendants could free what a need lacks. `now`: what they reported as unused is enough. `perhaps`: only if some of their running
 * calls fail. `never`: not even if they returned everything.
 */
export type Recovery = 'now' | 'perhaps' | 'never';

type Lent = NonNullable<SpendCounter['lent']>;

const recoveryOf = (need: bigint, remaining: bigint, { unused, held }: Lent): Recovery => {
  if (need <= remaining + unused) return 'now';
  return need <= remaining + unused + held ? 'perhaps' : 'never';
};

const NOTHING: Lent = { unused: 0n, held: 0n };

/** @param need what the account must have in all, its own unused share included. Atomic units. */
export const limitRecovery = ({ limit, spent, held, lent }: SpendCounter, need: bigint): Recovery =>
  recoveryOf(need, limit - spent - held, lent ?? NOTHING);

/** The limit with the greatest shortfall for a price, and the sources with that limit alone. */
export const worstLimit = (
  sources: readonly Source[],
  price: bigint,
): { readonly recovery: Recovery; readonly sources: readonly Source[] } => {
  let worst: SpendCounter | undefined;
  let recovery: Recovery | undefined;
  for (const counter of sources.flatMap(({ counters }) => counters)) {
    const each = limitRecovery(counter, price);
    if (isWorse(each, recovery)) [worst, recovery] = [counter, each];
  }
  return {
    recovery: recovery ?? 'now',
    sources: sources.map((each) => ({
      ...each,
      counters: each.counters.filter((counter) => counter === worst),
    })),
  };
};

/** As `limitRecovery`, for the account's credit. */
export const creditRecovery = (purse: Purse, need: bigint): Recovery =>
  recoveryOf(need, freeCredit(purse), lentCredit(purse));

const lentCredit = ({ creditLent, creditHeldByDescendants }: Purse): Lent => ({
  unused: creditLent - creditHeldByDescendants,
  held: creditHeldByDescendants,
});

const ORDER: readonly Recovery[] = ['now', 'perhaps', 'never'];

/** Whether one is worse than another: a need is met only if every limit covers it. */
export const isWorse = (one: Recovery, other: Recovery | undefined): boolean =>
  other === undefined || ORDER.indexOf(one) > ORDER.indexOf(other);

/** Whether descendants have shares of this account that they may not use. */
export const hasLent = (state: AccountState, asset: AssetId): boolean => {
  const { windows, creditLent } = purseOf(state, asset);
  return creditLent > 0n || Object.values(windows).some(({ leased, drawn }) => leased > drawn);
};

/** The account as it would be if descendants returned what they do not use. For dry runs, which take nothing. */
export const withAllReturned = (state: AccountState, asset: AssetId): AccountState => {
  const purse = purseOf(state, asset);
  const windows = Object.entries(purse.windows).map(([name, counter]) => [
    name,
    { ...counter, leased: counter.drawn + counter.heldByDescendants },
  ]);
  return withPurse(state, asset, {
    ...purse,
    windows: Object.fromEntries(windows),
    creditLent: purse.creditHeldByDescendants,
  });
};
