import { ZERO_HASH } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Check, HashedEntry, Survey } from './check.ts';
import { createTally } from './tally.ts';

/** An account that the manifest of an export lists. */
export type ListedAccount = {
  readonly account: AccountId;
  readonly first: number;
  readonly last: number;
};

/**
 * Checks that the entries of each account are consecutive, of that account alone, and that each names the hash of the one before it (law 11).
 * It cannot see that the end of a chain is missing: the leaves of the transparency log or a receipt show that.
 */
export const createChain = (
  { accounts }: Pick<Survey, 'accounts'>,
  listed: readonly ListedAccount[] = [],
): Check => {
  const tally = createTally('chain');
  /** The last entry of the chain. `broken`: the next entry decides which of two entries a wrong link blames. */
  let last: { readonly seen: HashedEntry; readonly file: string } | undefined;
  /** The entries that are missing in the first gap. `isFilled`: one of them appears later in the files. */
  let missing: { account: AccountId; from: number; to: number; isFilled: boolean } | undefined;
  let suspect: { readonly before: HashedEntry; readonly after: HashedEntry } | undefined;

  /**
   * The hash of an entry and the `prev` of the next one differ. If the entry after the next names the next one by its hash, the next one is
   * unchanged, so the earlier one was changed. Otherwise the link of the next one was.
   */
  const blame = (next: HashedEntry | undefined): void => {
    if (suspect === undefined) return;
    const { before, after } = suspect;
    if (next !== undefined && next.entry.prev === after.hash) tally.breakAt(before, 'altered');
    else tally.breakAt(after, 'unlinked', 'prev');
    suspect = undefined;
  };

  const begin = (seen: HashedEntry): void => {
    const { seq, prev, account } = seen.entry;
    // Zeros mark the first entry of a chain, and nothing else.
    if ((seq === 1) !== (prev === ZERO_HASH)) return tally.breakAt(seen, 'unlinked', 'prev');
    if (seq === 1) return tally.prove();
    tally.prove();
    tally.skip(
      `entries 1 to ${seq - 1} of ${account} are not in the files; export the account from its first entry`,
    );
  };

  const follow = (seen: HashedEntry, before: HashedEntry): void => {
    if (seen.entry.account !== before.entry.account) {
      tally.breakAt(seen, 'foreign_account', 'account');
    } else if (seen.entry.seq !== before.entry.seq + 1) {
      const isGap = seen.entry.seq > before.entry.seq;
      if (isGap) {
        const [from, to] = [before.entry.seq + 1, seen.entry.seq - 1];
        missing ??= { account: seen.entry.account, from, to, isFilled: false };
      }
      tally.breakAt(seen, isGap ? 'gap' : 'repeated', 'seq');
    } else if (seen.entry.prev !== before.hash) {
      suspect = { before, after: seen };
    } else {
      tally.prove();
    }
  };

  return {
    id: 'chain',
    see: (seen) => {
      const { account, seq } = seen.entry;
      if (missing?.account === account && missing.from <= seq && seq <= missing.to)
        missing.isFilled = true;
      const isSameChain =
        last !== undefined &&
        (last.file === seen.place.file || last.seen.entry.account === seen.entry.account);
      if (suspect !== undefined) blame(isSameChain ? seen : undefined);
      if (last === undefined || !isSameChain) begin(seen);
      else follow(seen, last.seen);
      last = { seen, file: seen.place.file };
    },
    end: () => {
      blame(undefined);
      for (const { account, last: end } of listed) {
        const found = accounts.get(account);
        if (found === undefined) tally.skip(`the chain of ${account} is missing`);
        else if (found.last < end) {
          tally.skip(`entries ${found.last + 1} to ${end} of ${account} are missing`);
        }
      }
      const finding = tally.finding();
      return finding.first?.reason === 'gap' && missing?.isFilled === true
        ? { ...finding, first: { ...finding.first, reason: 'out_of_order' } }
        : finding;
    },
  };
};
