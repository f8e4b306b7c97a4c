import type { Seconds } from '../../../core/clock.ts';
import type { ReplayedAccount } from './account.ts';

/** Further denials by a rule become an entry about ten seconds after the first one; only an account that slept takes longer. */
const KEPT_SECONDS: Seconds = 3_600;
/** Bounds the memory for an account with many calls a second. */
const MOST_KEPT = 50_000;

type Snapshot = { readonly seq: number; readonly at: Seconds; readonly account: ReplayedAccount };

/** The states of an account after each of its last entries. */
export type Snapshots = {
  readonly add: (seq: number, at: Seconds, account: ReplayedAccount) => void;
  /** The account after an entry: `old` if that was too long ago, `absent` if no such entry was read. */
  readonly after: (seq: number) => ReplayedAccount | 'old' | 'absent';
};

export const openSnapshots = (start: ReplayedAccount): Snapshots => {
  let kept: Snapshot[] = [];
  let first = 0;
  /** In a broken chain entries are missing or repeated, so the place of an entry does not follow from its seq. */
  const bySeq = new Map<number, Snapshot>();

  const keep = (snapshot: Snapshot): void => {
    kept.push(snapshot);
    if (!bySeq.has(snapshot.seq)) bySeq.set(snapshot.seq, snapshot);
  };

  const dropFirst = (): void => {
    const dropped = kept[first];
    if (dropped !== undefined && bySeq.get(dropped.seq) === dropped) bySeq.delete(dropped.seq);
    first += 1;
  };

  keep({ seq: 0, at: 0, account: start });
  return {
    add(seq, at, account) {
      keep({ seq, at, account });
      while (kept.length - first > MOST_KEPT || isOld(kept, first, at)) dropFirst();
      if (first > MOST_KEPT) {
        kept = kept.slice(first);
        first = 0;
      }
    },
    after(seq) {
      const oldest = kept[first]?.seq ?? 0;
      return bySeq.get(seq)?.account ?? (seq < oldest ? 'old' : 'absent');
    },
  };
};

/** Keep one state that is old enough to be dropped: a denial may have been evaluated on it. */
const isOld = (kept: readonly Snapshot[], first: number, at: Seconds): boolean => {
  const next = kept[first + 1];
  return next !== undefined && next.at < at - KEPT_SECONDS;
};
