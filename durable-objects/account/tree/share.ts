import { max, toStored } from '../../../src/protocol/amount.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Share, Shares } from '../../../src/protocol/account/lease.ts';
import { everyOf, periodOf } from '../../../src/policy/window.ts';

/** The name of a share of a parent's credit, next to the names of its counters. */
export const CREDIT = 'credit';

export const NO_SHARE: Share = { start: 0, granted: 0n, returned: 0n, spent: 0n, held: 0n };

/** The amount that a share still allows to spend. */
export const unusedOf = ({ granted, returned, spent, held }: Share): bigint =>
  granted - returned - spent - held;

/** The amount that was granted and not returned. */
export const outstandingOf = ({ granted, returned }: Share): bigint => granted - returned;

/** When a share ends: it belongs to one period of its counter. */
export const shareEnd = (name: string, { start }: Share): Seconds =>
  name === CREDIT ? Number.MAX_SAFE_INTEGER : periodOf(everyOf(name), start).end;

export const hasUnused = (shares: Shares, now: Seconds): boolean =>
  Object.entries(shares).some(
    ([name, share]) => unusedOf(share) > 0n && now < shareEnd(name, share),
  );

/**
 * Merges a parent's totals. Totals only grow, so an answer that arrives late, twice or out of order changes nothing: totals of an older
 * period are ignored, and a newer period starts at zero.
 */
export const mergeTotals = (known: Share | undefined, theirs: Share): Share => {
  if (known === undefined || theirs.start > known.start) {
    return { ...NO_SHARE, start: theirs.start, granted: theirs.granted, returned: theirs.returned };
  }
  if (theirs.start < known.start) return known;
  return {
    ...known,
    granted: max(known.granted, theirs.granted),
    returned: max(known.returned, theirs.returned),
  };
};

/** Adds everything unused to the returned total. Store the result before the parent receives it (law 6). */
export const allReturned = (shares: Shares): Shares =>
  Object.fromEntries(
    Object.entries(shares).map(([name, share]) => {
      const unused = unusedOf(share);
      return [name, unused > 0n ? { ...share, returned: share.returned + unused } : share];
    }),
  );

/** How long a share is kept after its period: the clocks of parent and child differ, and may be set back. */
const GRACE: Seconds = 3_600;

/** Drops shares of ended periods, which the parent no longer counts. Returns the same object if none ended. */
export const withoutEnded = (shares: Shares, now: Seconds): Shares => {
  const all = Object.entries(shares);
  const kept = all.filter(
    ([name, share]) => name === CREDIT || now < shareEnd(name, share) + GRACE,
  );
  return kept.length === all.length ? shares : Object.fromEntries(kept);
};

/** As stored: amounts are numbers, checked to be safe integers. */
export type StoredShare = readonly [
  start: number,
  granted: number,
  returned: number,
  spent: number,
  held: number,
];

export const encodeShares = (shares: Shares): Record<string, StoredShare> =>
  Object.fromEntries(
    Object.entries(shares).map(([name, { start, granted, returned, spent, held }]) => [
      name,
      [start, toStored(granted), toStored(returned), toStored(spent), toStored(held)],
    ]),
  );

export const decodeShares = (stored: Readonly<Record<string, StoredShare>>): Shares =>
  Object.fromEntries(
    Object.entries(stored).map(
      ([name, [start, granted, returned, spent, held]]): [string, Share] => [
        name,
        {
          start,
          granted: BigInt(granted),
          returned: BigInt(returned),
          spent: BigInt(spent),
          held: BigInt(held),
        },
      ],
    ),
  );
