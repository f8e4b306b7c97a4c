import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AssetId } from '../../protocol/account-id.ts';
import type { Branch, BranchCall, OwnSpend } from './branches.ts';
import { firstFrom } from './times.ts';

/** The amounts that count in the limits of one account, prepared once for all its counters. */
export type BranchCalls = {
  /** How much its own calls spent of a counter, by period. */
  readonly own: (asset: AssetId, counter: string) => readonly OwnSpend[];
  /** The calls of its descendants from one time to another, the second exclusive. `parent`: only calls by grants below this one. */
  readonly below: (
    asset: AssetId,
    parent: Hex | undefined,
    from: Seconds,
    to: Seconds,
  ) => readonly PlacedCall[];
};

/** `rank`: its place in the order of the files. */
type PlacedCall = BranchCall & { readonly rank: number };

export const branchCalls = ({ own, below }: Pick<Branch, 'own' | 'below'>): BranchCalls => {
  const spent = Map.groupBy(own.values(), ({ asset, name }) => `${asset} ${name}`);
  const calls = below
    .map((call, rank): PlacedCall => ({ ...call, rank }))
    .toSorted((one, other) => one.at - other.at);
  const byAsset = Map.groupBy(calls, ({ asset }) => asset as string);
  const byParent = Map.groupBy(calls, ({ asset, parent }) => `${asset} ${parent}`);
  const times = new Map(
    [...byAsset, ...byParent].map(([key, found]) => [key, found.map(({ at }) => at)]),
  );
  return {
    own: (asset, counter) => spent.get(`${asset} ${counter}`) ?? [],
    below(asset, parent, from, to) {
      const key = parent === undefined ? asset : `${asset} ${parent}`;
      const found = (parent === undefined ? byAsset : byParent).get(key) ?? [];
      const at = times.get(key) ?? [];
      return found.slice(firstFrom(at, from), firstFrom(at, to));
    },
  };
};
