/** An amount under two keys: a UTC day, and what is stacked within it. Atomic units. */
export type DayAmount = { readonly day: string; readonly name: string; readonly amount: bigint };

/** One series: an amount for each day, in the order of the days. */
export type DaySeries = { readonly name: string; readonly amounts: readonly bigint[] };

/** More colours than these are hard to tell apart. */
const MOST = 6;
const OTHERS = 'others';

/** Sums the amounts by day and name: the largest six names as series, largest first, and the rest as "others". A missing day is zero, and a name without an amount is left out. */
export const stacksOf = (
  rows: readonly DayAmount[],
  days: readonly string[],
  most = MOST,
): readonly DaySeries[] => {
  const totals = new Map<string, bigint>();
  for (const { name, amount } of rows) totals.set(name, (totals.get(name) ?? 0n) + amount);
  const names = [...totals.keys()]
    .filter((name) => totals.get(name) !== 0n)
    .toSorted((a, b) => compare(totals.get(b) ?? 0n, totals.get(a) ?? 0n));
  const shownNames = names.slice(0, most);
  const amountsOf = (isIn: (name: string) => boolean): readonly bigint[] =>
    days.map((day) =>
      rows.reduce((sum, row) => (row.day === day && isIn(row.name) ? sum + row.amount : sum), 0n),
    );
  const series = shownNames.map((name) => ({ name, amounts: amountsOf((each) => each === name) }));
  return names.length <= most
    ? series
    : [...series, { name: OTHERS, amounts: amountsOf((each) => !shownNames.includes(each)) }];
};

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
