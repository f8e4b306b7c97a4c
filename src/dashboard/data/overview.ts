import type { AnswerOf, Management } from '../../client/management.ts';
import type { Scope } from './scope.ts';
import { daysBefore } from '../format/time.ts';
import { sumOf } from '../format/amount.ts';

export type Figures = AnswerOf<'overview'>;
type Ranking = Figures['tools'];
export type FigureRow = Extract<Ranking, { readonly items: unknown }>['items'][number];

/** Days of the rankings. */
export type Days = '1' | '7' | '30';

/** Reads the figures of the overview: of one moment, in one request. */
export const readFigures = async (
  management: Management,
  { role, account }: Scope,
  days: Days,
  signal: AbortSignal,
): Promise<Figures> => {
  const query = { days };
  const { body } =
    role === 'operator'
      ? await management.call('overview', { query, signal })
      : await management.call('account.overview', { params: { account }, query, signal });
  return body;
};

export const rowsOf = (ranking: Ranking): readonly FigureRow[] =>
  'items' in ranking ? ranking.items : [];

/** A period of whole UTC days that ends today. */
type Period = 1 | 7 | 30;

/** What was charged and earned in a period in one asset, and in the period before. `earned`: of all accounts only. */
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
