import type { Seconds } from '../../../core/clock.ts';
import type { ReplayedAccount } from './account.ts';

/** Denials become entries about ten seconds after their decision; only an account that slept takes longer. */
const KEPT_SECONDS: Seconds = 3_600;
/** An account with many calls a second must not fill the memory. */
const MOST_KEPT = 50_000;

type Snapshot = { readonly seq: number; readonly at: Seconds; readonly account: ReplayedAccount };

/** An account as it was after each of its last entries. */
export type Snapshots = {
  readonly add: (seq: number, at: Seconds, account: ReplayedAccount) => void;
  /** The account after an entry; undefined if that was too long ago. */
  readonly after: (seq: number) => Snapshot | undefined;
};

export const openSnapshots = (start: ReplayedAccount): Snapshots => {
  let kept: Snapshot[] = [{ seq: 0, at: 0, account: start }];
  let first = 0;
  return {
    add(seq, at, account) {
      kept.push({ seq, at, account });
      while (kept.length - first > MOST_KEPT || isOld(kept, first, at)) first += 1;
      if (first > MOST_KEPT) {
        kept = kept.slice(first);
        first = 0;
      }
    },
    after(seq) {
      const oldest = kept[first]?.seq ?? 0;
      const found = kept[first + seq - oldest];
      return found?.seq === seq ? found : undefined;
    },
  };
};

/** The newest state that is old enough may still be the one that a denial was judged on, so one of them stays. */
const isOld = (kept: readonly Snapshot[], first: number, at: Seconds): boolean => {
  const next = kept[first + 1];
  return next !== undefined && next.at < at - KEPT_SECONDS;
};
