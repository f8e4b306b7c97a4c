import { type FigureRow, type Figures, rowsOf } from './figures.ts';
import { sumOf } from '../../format/amount.ts';
import { daysBefore } from '../../format/time.ts';

/** A period of whole UTC days that ends today. */
type Period = 1 | 7 | 30;

/** The charges and earnings of a period in one asset, and of the period before. `earned`: of all accounts only. */
export type PeriodTotal = {
  readonly period: Period;
  readonly from: string;
  readonly to: string;
  readonly asset: string;
  readonly calls: number;
  readonly charged: bigint;
  readonly chargedBefore: bigint;
  readonly earned: bigint | undefined;
  readonly earnedBefore: bigint;
};

const PERIODS: readonly Period[] = [1, 7, 30];

/** The totals of each period, from its rows by day. */
export const totalsOf = (figures: Pick<Figures, 'today' | 'days'>): readonly PeriodTotal[] => {
  const { today } = figures;
  const days = rowsOf(figures.days);
  const assets = [...new Set(days.flatMap(({ asset }) => asset ?? []))];
  return PERIODS.flatMap((period) => {
    const from = daysBefore(today, period - 1);
    return assets.map((asset): PeriodTotal => {
      const within = (first: string, last: string): readonly FigureRow[] =>
        days.filter((row) => row.asset === asset && row.key >= first && row.key <= last);
      const now = within(from, today);
      const before = within(daysBefore(from, period), daysBefore(from, 1));
      const charged = (rows: readonly FigureRow[]) => sumOf(rows.map((row) => row.charged));
      const earned = (rows: readonly FigureRow[]) => sumOf(rows.map((row) => row.earned ?? '0'));
      return {
        ...{ period, from, to: today, asset },
        calls: now.reduce((sum, row) => sum + row.calls, 0),
        charged: charged(now),
        chargedBefore: charged(before),
        earned: days.some((row) => row.earned !== undefined) ? earned(now) : undefined,
        earnedBefore: earned(before),
      };
    });
  });
};
