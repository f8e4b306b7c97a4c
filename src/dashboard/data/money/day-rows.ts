import { daysBefore } from '../../format/time.ts';
import type { SpendRow } from './spending.ts';

/** A date field passes through the year 2 while a person types 2026: longer periods begin with their first spending. */
const MOST_DAYS = 366;

/** Rows by day in each asset that was spent, newest first: a day without spending is a row of zeros. */
export const withEmptyDays = (
  rows: readonly SpendRow[],
  from: string,
  to: string,
): readonly SpendRow[] => {
  const spent = rows.filter(({ asset }) => asset !== undefined);
  const assets = [...new Set(spent.map(({ asset }) => asset))];
  const oldest = spent.reduce((day, { key }) => (key < day ? key : day), to);
  const first = from < daysBefore(to, MOST_DAYS) ? oldest : from;
  const filled: SpendRow[] = [];
  for (let day = to; day >= first; day = daysBefore(day, 1)) {
    for (const asset of assets) {
      filled.push(
        spent.find((row) => row.key === day && row.asset === asset) ?? {
          ...{ key: day, calls: 0, failed: 0, denied: 0, charged: '0' },
          ...(asset === undefined ? {} : { asset }),
        },
      );
    }
  }
  return filled;
};
