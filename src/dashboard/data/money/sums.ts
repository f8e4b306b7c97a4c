/** Amounts by asset, because amounts of two assets are never added. An asset whose sum is zero is absent. */
export type Sums = ReadonlyMap<string, bigint>;

/** Adds up an amount of each row, by asset. */
export const sumsOf = <Row extends { readonly asset?: string | undefined }>(
  rows: readonly Row[],
  amountOf: (row: Row) => string | bigint,
): Sums => added(rows.map((row) => [row.asset ?? '', BigInt(amountOf(row))]));

/** Adds up sums. */
export const addSums = (...all: readonly Sums[]): Sums => added(all.flatMap((sums) => [...sums]));

/** Whether two sums have the same amount of each asset. */
export const areEqual = (one: Sums, other: Sums): boolean =>
  one.size === other.size && [...one].every(([asset, sum]) => other.get(asset) === sum);

const added = (amounts: readonly (readonly [asset: string, amount: bigint])[]): Sums => {
  const sums = new Map<string, bigint>();
  for (const [asset, amount] of amounts) sums.set(asset, (sums.get(asset) ?? 0n) + amount);
  return new Map([...sums].filter(([, sum]) => sum !== 0n));
};
