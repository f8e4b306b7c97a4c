import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { AccountId, AssetId } from '../../../src/protocol/account-id.ts';
import type { Share, Shares } from '../../../src/protocol/account/lease.ts';
import { max, toStored } from '../../../src/protocol/amount.ts';
import type { Disk } from '../../store/disk.ts';
import { type Noun, remove } from '../../store/noun.ts';
import type { Reader } from '../../store/query.ts';
import { ISSUED_GRANT, issuedGrant } from './grants.ts';
import {
  decodeShares,
  encodeShares,
  outstandingOf,
  shareEnd,
  type StoredShare,
  unusedOf,
} from './share.ts';

/** The lease of one descendant by one grant: its shares of this account's limits. */
export type IssuedLease = {
  readonly child: AccountId;
  readonly issued: Hex;
  readonly asset: AssetId;
  /** Until when the descendant may decide calls without asking. */
  readonly until: Seconds;
  readonly shares: Shares;
};

type Stored = Omit<IssuedLease, 'shares'> & {
  readonly shares: Readonly<Record<string, StoredShare>>;
};

type Fields = 'until' | 'unused' | 'loose' | 'good_until';

/** How long a lease lasts, counted from its request. */
export const LEASE_SECONDS = 60;
/** How much longer the lease is stored: a renewal within this time costs no row, and a freeze is still pushed to its holder. */
export const UNTIL_GRACE = 5;

const leaseKey = ({ child, issued }: Pick<IssuedLease, 'child' | 'issued'>): string =>
  `${child} ${issued}`;

const most = (shares: Shares, of: (share: Share) => bigint): number =>
  toStored(Object.values(shares).reduce((least, share) => max(least, of(share)), 0n));

/** `unused`: what the last report leaves unused. `loose`: everything not spent, held by running calls or not. */
export const ISSUED_LEASE: Noun<IssuedLease, Fields> = {
  name: 'issued_lease',
  key: leaseKey,
  encode: ({ shares, ...lease }) =>
    JSON.stringify({ ...lease, shares: encodeShares(shares) } satisfies Stored),
  decode: (text) => {
    const { shares, ...lease } = JSON.parse(text) as Stored;
    return { ...lease, shares: decodeShares(shares) };
  },
  fields: {
    until: ({ until }) => until,
    unused: ({ shares }) => most(shares, unusedOf),
    loose: ({ shares }) => most(shares, (share) => outstandingOf(share) - share.spent),
    /** End of the last period whose share could still be returned. */
    good_until: ({ shares }) =>
      Object.entries(shares).reduce(
        (latest, [name, share]) =>
          outstandingOf(share) > share.spent ? Math.max(latest, shareEnd(name, share)) : latest,
        0,
      ),
  },
};

export const leaseOf = (read: Reader, child: AccountId, issued: Hex): IssuedLease | undefined =>
  read.get(ISSUED_LEASE, leaseKey({ child, issued }));

export const liveLeases = (read: Reader, now: Seconds): readonly IssuedLease[] => [
  ...read.find(ISSUED_LEASE, { where: [['until', '>', now]] }),
];

/** Leases that may have something to return, largest amounts first. */
export const recallable = (read: Reader, now: Seconds, limit: number): readonly IssuedLease[] => [
  ...read.find(ISSUED_LEASE, {
    where: [
      ['loose', '>', 0],
      ['good_until', '>', now],
    ],
    highest: ['unused', 'loose'],
    limit,
  }),
];

/**
 * Until when the stored shares include what a descendant spent. Undefined if the descendant has nothing left to spend: then they include
 * everything. After a report since the last renewal the true time may be later, never earlier.
 */
export const reportedAt = ({ until, shares }: IssuedLease): Seconds | undefined =>
  Object.values(shares).every((share) => unusedOf(share) === 0n && share.held === 0n)
    ? undefined
    : until - LEASE_SECONDS - UNTIL_GRACE;

/** The spend of a descendant by one grant: the highest `spent` of its counters and its lent credit. */
export const spentOf = ({ shares }: IssuedLease): bigint =>
  Object.values(shares).reduce((highest, { spent }) => max(highest, spent), 0n);

/** How long an expired grant is kept. It can be neither used nor registered again. */
const FORGET_AFTER: Seconds = 30 * 86_400;

/** Removes expired grants, and the leases of removed grants once nothing of them can be returned: until then their shares count. */
export const pruneTree = (disk: Disk, now: Seconds): void => {
  const expired = [
    ...disk.find(ISSUED_GRANT, { where: [['valid_until', '<=', now - FORGET_AFTER]] }),
  ].map(({ grant }) => grant.hash);
  const removed = new Set(expired);
  const ended = endedLeases(disk, now).filter(
    ({ issued }) => removed.has(issued) || issuedGrant(disk, issued) === undefined,
  );
  disk.write([
    ...expired.map((hash) => remove(ISSUED_GRANT, hash)),
    ...ended.map((lease) => remove(ISSUED_LEASE, leaseKey(lease))),
  ]);
};

/** Leases of which nothing can be returned any more. */
const endedLeases = (read: Reader, now: Seconds): readonly IssuedLease[] => {
  const mayReturn = new Set(recallable(read, now, Infinity).map(leaseKey));
  return [...read.find(ISSUED_LEASE)].filter((lease) => !mayReturn.has(leaseKey(lease)));
};

/** The descendants with a live lease, and until when it lasts. */
export const liveLessees = (
  read: Reader,
  now: Seconds,
): readonly (readonly [child: AccountId, issued: Hex, until: Seconds])[] =>
  liveLeases(read, now).map(({ child, issued, until }) => [child, issued, until]);

/** Descendants that may decide for this account, and until when. */
export type Lessees = {
  set(lessee: { readonly child: AccountId; readonly issued: Hex }, until: Seconds): void;
  count(now: Seconds): number;
  /**
   * The number of equal parts into which the remaining amount is divided for a holder of this grant: by branches first, then within the
   * holder's branch, so that an account with thousands of descendants takes nothing from its siblings.
   */
  parts(issued: Hex, now: Seconds): number;
};

export const openLessees = (
  stored: Iterable<readonly [child: AccountId, issued: Hex, until: Seconds]>,
): Lessees => {
  const branches = new Map<Hex, Map<AccountId, Seconds>>();
  let cleanedAt: Seconds = 0;

  const put = (child: AccountId, issued: Hex, until: Seconds): void => {
    const branch = branches.get(issued) ?? new Map<AccountId, Seconds>();
    branches.set(issued, branch.set(child, until));
  };
  for (const [child, issued, until] of stored) put(child, issued, until);

  /** Once a second: there may be ten thousand, and each lease request counts them. */
  const clean = (now: Seconds): void => {
    if (now === cleanedAt) return;
    cleanedAt = now;
    for (const [issued, branch] of branches) {
      for (const [child, until] of branch) if (until <= now) branch.delete(child);
      if (branch.size === 0) branches.delete(issued);
    }
  };

  return {
    set: ({ child, issued }, until) => put(child, issued, until),
    count(now) {
      clean(now);
      return [...branches.values()].reduce((sum, { size }) => sum + size, 0);
    },
    parts(issued, now) {
      clean(now);
      return (branches.size + 1) * Math.max(1, branches.get(issued)?.size ?? 0);
    },
  };
};
