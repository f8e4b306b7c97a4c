import type { AnswerOf, Management } from '../../client/management.ts';
import { sumOf } from '../format/amount.ts';
import { dayOf, daysBefore } from '../format/time.ts';
import type { Scope } from './scope.ts';
import { gatewayNow } from './reader.ts';

type SpendPage = AnswerOf<'account.spend'>;
export type SpendRow = SpendPage['items'][number];
export type SpendKey = 'day' | 'tool' | 'account' | 'payee';

const MAX_ROWS = 2000;

/** Rows of the roll-up of one range of UTC days, both included. One query of the gateway, so its rows add up to its totals. */
export const readSpend = async (
  management: Management,
  { role, account }: Scope,
  by: SpendKey,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<readonly SpendRow[]> => {
  const query = { by, from, to, limit: 500 };
  const rows: SpendRow[] = [];
  const list =
    role === 'operator'
      ? management.list('spend', { query, signal })
      : management.list('account.spend', { params: { account }, query, signal });
  for await (const row of list) {
    rows.push(row);
    if (rows.length >= MAX_ROWS) break;
  }
  return rows;
};

/** A period of whole UTC days that ends today. */
export type Period = 1 | 7 | 30;

export type PeriodTotal = {
  readonly period: Period;
  readonly asset: string;
  readonly charged: bigint;
  readonly before: bigint;
  readonly calls: number;
  readonly denied: number;
};

/** The rows of the last 60 days by day, and their totals for each period and asset, next to the period before. */
export type Totals = {
  readonly days: readonly SpendRow[];
  readonly totals: readonly PeriodTotal[];
};

const PERIODS: readonly Period[] = [1, 7, 30];
const NO_ASSET = '';

export const readTotals = async (
  management: Management,
  scope: Scope,
  signal: AbortSignal,
): Promise<Totals> => {
  const today = dayOf(gatewayNow());
  const days = await readSpend(management, scope, 'day', daysBefore(today, 59), today, signal);
  const assets = [...new Set(days.flatMap(({ asset }) => asset ?? []))];
  const between = (from: string, to: string) => days.filter(({ key }) => key >= from && key <= to);
  const totals = PERIODS.flatMap((period) => {
    const from = daysBefore(today, period - 1);
    const now = between(from, today);
    const before = between(daysBefore(from, period), daysBefore(from, 1));
    return (assets.length === 0 ? [NO_ASSET] : assets).map((asset): PeriodTotal => {
      const charged = (rows: readonly SpendRow[]) =>
        sumOf(rows.filter((row) => row.asset === asset).map((row) => row.charged));
      return {
        period,
        asset,
        charged: charged(now),
        before: charged(before),
        calls: now.filter((row) => row.asset === asset).reduce((sum, row) => sum + row.calls, 0),
        denied: now.reduce((sum, row) => sum + row.denied, 0),
      };
    });
  });
  return { days, totals };
};
