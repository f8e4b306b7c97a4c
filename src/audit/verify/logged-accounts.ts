import { ZERO_HASH } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { anchorOfLeaf, type Leaf } from '../log/leaf.ts';
import type { Place } from './check.ts';

/** A leaf of an account, with its place in the files and in the log. */
export type PlacedLeaf = Leaf & {
  readonly place: Place;
  /** The name of its log, and its place in it. */
  readonly log: string;
  readonly index: number;
  /** Its place among the leaves of all years. */
  readonly ordinal: number;
};

/** The fault of a leaf of an account. */
export type LeafFault = 'leaf_unlinked' | 'leaf_gap' | 'forked';

/** Leaves by account, over all years. */
export type LoggedAccounts = {
  readonly of: ReadonlyMap<AccountId, readonly PlacedLeaf[]>;
  /** The anchors of accounts whose first leaves are among these. */
  readonly anchors: ReadonlyMap<AccountId, Uint8Array>;
  /** How many leaves the earlier years have, including leaves of other accounts. */
  readonly leaves: () => number;
  readonly endYear: (leaves: number) => void;
  /**
   * Adds the next leaf of an account: it begins with the account's first entry, or continues the one before. Two that begin at one entry
   * are two histories. `mayFollow`: whether a log that is not in the files may have the earlier leaves.
   *
   * @returns 'follows' if that log is missing
   */
  readonly add: (leaf: PlacedLeaf, mayFollow: boolean) => LeafFault | 'follows' | undefined;
};

export const createLoggedAccounts = (): LoggedAccounts => {
  const of = new Map<AccountId, PlacedLeaf[]>();
  const anchors = new Map<AccountId, Uint8Array>();
  let leaves = 0;
  return {
    of,
    anchors,
    leaves: () => leaves,
    endYear: (count) => void (leaves += count),
    add(leaf, mayFollow) {
      const known = of.get(leaf.account);
      const before = known?.at(-1);
      if (known === undefined || before === undefined) {
        of.set(leaf.account, [leaf]);
        if (leaf.first.seq === 1) anchors.set(leaf.account, anchorOfLeaf(leaf));
        if (leaf.first.seq === 1)
          return leaf.first.prev === ZERO_HASH ? undefined : 'leaf_unlinked';
        return mayFollow ? 'follows' : 'leaf_gap';
      }
      known.push(leaf);
      if (leaf.first.seq <= before.last.seq) return 'forked';
      if (leaf.first.seq !== before.last.seq + 1) return 'leaf_gap';
      return leaf.first.prev === before.last.hash ? undefined : 'forked';
    },
  };
};
