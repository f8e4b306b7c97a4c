import type { Day } from '../audit/day.ts';
import type { AssetId, Network } from '../protocol/account-id.ts';
import type { LedgerItem } from './ledger.route.ts';

type Row = {
  readonly day: Day;
  readonly asset: string;
  readonly line: 'settled' | 'write_off' | 'debt' | 'released';
  readonly tool: string;
  readonly payee: string;
  readonly count: string;
  readonly amount: string;
  readonly others: string;
};

/** The ledger totals of these days from calls that D1 has forgotten. */
export const archivedBooks = async (
  db: D1Database,
  from: Day,
  to: Day,
  feeOn: (network: Network) => bigint,
): Promise<readonly LedgerItem[]> => {
  const { results } = await db
    .prepare(
      `SELECT day, asset, line, tool, payee, CAST(count AS TEXT) AS count, CAST(amount AS TEXT) AS amount, CAST(others AS TEXT) AS others
       FROM archived_books WHERE day >= ?1 AND day <= ?2`,
    )
    .bind(from, to)
    .all<Row>();
  return results.flatMap(({ day, asset, line, tool, payee, ...sums }) => {
    const others = BigInt(sums.others);
    const fees = line === 'settled' ? others * feeOn(networkOf(asset as AssetId)) : 0n;
    const item: LedgerItem = {
      ...{ day, asset, line },
      ...(tool === '' ? {} : { tool }),
      ...(payee === '' ? {} : { payee }),
      ...{ count: BigInt(sums.count), amount: BigInt(sums.amount) },
    };
    return fees === 0n
      ? [item]
      : [item, { day, asset, line: 'fees', count: others, amount: fees } as const];
  });
};

const networkOf = (asset: AssetId): Network => asset.slice(0, asset.indexOf('/')) as Network;

/** Adds up items with the same key. */
export const addedUp = (
  items: readonly LedgerItem[],
  keyOf: (item: LedgerItem) => string,
): readonly LedgerItem[] =>
  [...Map.groupBy(items, keyOf).values()].map((same) =>
    same.reduce((sum, item) => ({
      ...sum,
      ...(sum.count === undefined || item.count === undefined
        ? {}
        : { count: sum.count + item.count }),
      amount: sum.amount + item.amount,
    })),
  );
