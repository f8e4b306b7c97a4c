import type { CreditLine } from '../audit/credit-movement.ts';
import { type Day, daysAfter } from '../audit/day.ts';
import type { LedgerItem } from './ledger.route.ts';

/** Whether a line raises or lowers the credit of accounts. */
const SIGN: Readonly<Record<Line, 1n | -1n>> = {
  topped_up: 1n,
  returned: 1n,
  late: 1n,
  given: 1n,
  taken: -1n,
  refunded: -1n,
  lent: -1n,
  debt: -1n,
  spent: -1n,
};

type Line = CreditLine | 'spent';
type Moved = Readonly<Record<'day' | 'asset', string>> & {
  readonly line: Line;
  readonly count: string;
  readonly amount: string;
};

/**
 * The movements of credit, and all credit at the end of each day. That credit is the sum of all earlier movements, so this reads all rows:
 * one per day, asset and line, and the rows of `spend` with calls paid from credit.
 */
export const creditOf = async (
  db: D1Database,
  from: Day,
  to: Day,
): Promise<readonly LedgerItem[]> => {
  const { results } = await db.prepare(MOVED).bind(from, to).all<Moved>();
  const owed = new Map<string, bigint>();
  const moved = new Map<Day, Moved[]>();
  for (const row of results) {
    if (row.day < from) owed.set(row.asset, (owed.get(row.asset) ?? 0n) + changeOf(row));
    else moved.set(row.day, [...(moved.get(row.day) ?? []), row]);
  }
  const items: LedgerItem[] = [];
  for (let day = from; day <= to; day = daysAfter(day, 1)) {
    for (const row of moved.get(day) ?? []) {
      const { asset, line } = row;
      owed.set(asset, (owed.get(asset) ?? 0n) + changeOf(row));
      // Skipped here, because the line `debt` reports debts, with their tools.
      if (line === 'debt') continue;
      items.push({
        ...{ day, asset, line: `credit_${line}` as const, amount: BigInt(row.amount) },
        ...(line === 'spent' ? {} : { count: BigInt(row.count) }),
      });
    }
    for (const [asset, amount] of owed) {
      items.push({ day, asset, line: 'credit_liability', amount });
    }
  }
  return items;
};

const changeOf = ({ line, amount }: Moved): bigint => SIGN[line] * BigInt(amount);

/** Adds up the days before the first to one row per asset and line. */
const MOVED = `
SELECT CASE WHEN day < ?1 THEN '' ELSE day END AS day, asset, line, CAST(sum(count) AS TEXT) AS count, CAST(sum(amount) AS TEXT) AS amount
FROM (
  SELECT day, asset, line, count, amount FROM credit_movements WHERE day <= ?2
  UNION ALL
  SELECT day, asset, 'spent', 0, from_credit FROM spend
  WHERE scope = '*' AND kind = 'own' AND day <= ?2 AND from_credit <> 0
)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;
