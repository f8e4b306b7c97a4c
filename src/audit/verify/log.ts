import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import { encodeBase64 } from '../../crypto/bytes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { isSignedTooLate } from '../log/key-list.ts';
import { chunkRoot } from '../log/leaf.ts';
import type { Check, HashedEntry, Survey } from './check.ts';
import type { LogEvidence } from './log-evidence.ts';
import { UNPINNED } from './heads.ts';
import { type LoggedHistory, readYears } from './log-years.ts';
import type { PlacedLeaf } from './logged-accounts.ts';
import { createTally } from './tally.ts';

/** Where a log has an entry. `position`: its place in the chunk, from 0, of `count` entries. */
export type LogPosition = {
  /** The name of the log. */
  readonly log: string;
  readonly leaf: number;
  readonly position: number;
  readonly count: number;
};

export type LogCheck = Check & {
  /** The leaves of all years; undefined if a checkpoint proves nothing. */
  readonly history: LoggedHistory | undefined;
  readonly positionOf: (account: AccountId, seq: number) => LogPosition | undefined;
};

/** An account that began this long before the newest entry under a leaf must have leaves itself (docs/audit-format.md, "Leaves and checkpoints"). */
const MERGE_DELAY: Seconds = 600;

/** Entries of a chunk, at most (`src/audit/chunk.ts`). More in one leaf would fill the memory. */
const MAX_CHUNK = 2_000;

const NOT_COVERED =
  'no leaf covers some entries: they are newer than the checkpoint, or their leaf was left out; a new export must have it';

/**
 * Checks entries against the transparency log: the checkpoint's signature, the tree over the leaves, and that every leaf is recomputed from the
 * entries that it covers. An account whose chain ends before its last leaf was truncated.
 */
export const createLogCheck = async (
  evidence: LogEvidence,
  { accounts }: Pick<Survey, 'accounts'>,
): Promise<LogCheck> => {
  const tally = createTally('log');
  const leaves = await readYears(evidence, tally);
  /** The last entry read of each account. */
  const ends = new Map<AccountId, HashedEntry>();
  let account: AccountId | undefined;
  let own: readonly PlacedLeaf[] = [];
  let at = 0;
  let hashes: Hex[] = [];
  let newer = 0;
  /** Accounts without leaves: the first entry, and how many there are. */
  const unlogged = new Map<AccountId, { readonly first: HashedEntry; count: number }>();
  /** Time of the last entry of the log's first leaf, and of the last entry of the newest leaf in the files. */
  let begun: Seconds | undefined;
  let newest: { readonly ordinal: number; readonly at: Seconds } | undefined;
  /** The time of the youngest last entry of a leaf, by the name of its log. */
  const youngest = new Map<string, Seconds>();

  const see = (seen: HashedEntry): void => {
    const { seq, prev } = seen.entry;
    if (seen.entry.account !== account) {
      ({ account } = seen.entry);
      own = leaves?.of.get(account) ?? [];
      at = 0;
      hashes = [];
    }
    ends.set(seen.entry.account, seen);
    while ((own[at]?.last.seq ?? seq) < seq) at += 1;
    const leaf = own[at];
    if (leaf === undefined) {
      if (leaves === undefined) return;
      if (own.length > 0) newer += 1;
      else countUnlogged(seen);
      return;
    }
    if (seq === leaf.last.seq) noteTime(leaf, seen.entry.at);
    if (seq === leaf.first.seq) {
      hashes = [];
      if (prev !== leaf.first.prev) return tally.breakAt(seen, 'not_as_logged', 'prev');
    }
    // The file begins in the middle of the chunk, or an entry is missing, which breaks the chain.
    if (hashes.length !== seq - leaf.first.seq) return;
    if (hashes.length >= MAX_CHUNK) return tally.breakAt(seen, 'leaf_too_long');
    hashes.push(seen.hash);
    if (seq < leaf.last.seq) return;
    const isLogged =
      seen.hash === leaf.last.hash && encodeBase64(chunkRoot(hashes)) === encodeBase64(leaf.root);
    if (isLogged) tally.prove(hashes.length);
    else tally.breakAt(seen, 'not_as_logged');
  };

  const countUnlogged = (seen: HashedEntry): void => {
    const known = unlogged.get(seen.entry.account) ?? { first: seen, count: 0 };
    known.count += 1;
    unlogged.set(seen.entry.account, known);
  };

  const noteTime = ({ log, ordinal }: PlacedLeaf, time: Seconds): void => {
    youngest.set(log, Math.max(time, youngest.get(log) ?? time));
    if (ordinal === 0) begun = time;
    if (newest === undefined || ordinal > newest.ordinal) newest = { ordinal, at: time };
  };

  /** Whether the log would have leaves of an account that began at a time. */
  const isOverdue = (first: Seconds): boolean =>
    leaves?.isWhole === true &&
    begun !== undefined &&
    newest !== undefined &&
    begun < first &&
    first + MERGE_DELAY < newest.at;

  const end = () => {
    for (const { origin, name, until } of leaves?.signed ?? [])
      if (isSignedTooLate(until, youngest.get(origin) ?? 0))
        tally.breakWith({ file: name, line: 1, reason: 'retired_key' });
    const logged = leaves?.of ?? new Map<AccountId, readonly PlacedLeaf[]>();
    // Otherwise every account of the files would be reported as missing in the log, and every account of the log as missing in the files.
    const isOther =
      logged.size > 0 && ends.size > 0 && ![...logged.keys()].some((each) => ends.has(each));
    if (isOther) {
      tally.skip(
        `${leaves?.signed[0]?.origin ?? ''} has no leaf of any account in the files: it is the log of another gateway, or the accounts began after its checkpoint`,
      );
    }
    for (const [of, placed] of isOther ? [] : logged) {
      const last = placed.at(-1)?.last.seq ?? 0;
      const found = ends.get(of);
      if (found === undefined) {
        tally.skip(
          accounts.has(of)
            ? `the entries of ${of} cannot be read`
            : `the chain of ${of} is missing, and the log has its entries 1 to ${last}`,
        );
      } else if (found.entry.seq < last) tally.breakAt(found, 'truncated');
    }
    for (const { first, count } of unlogged.values()) {
      if (isOverdue(first.entry.at)) tally.breakAt(first, 'not_in_log');
      else newer += count;
    }
    if (evidence.pinned === undefined && leaves !== undefined)
      tally.bound(UNPINNED, evidence.years.length);
    if (newer > 0 && !isOther) tally.bound(NOT_COVERED, newer);
    return tally.finding();
  };

  return {
    id: 'log',
    history: leaves,
    see,
    end,
    positionOf: (of, seq) => {
      const leaf = leaves?.of
        .get(of)
        ?.find(({ first, last }) => first.seq <= seq && seq <= last.seq);
      return (
        leaf && {
          ...{ log: leaf.log, leaf: leaf.index },
          position: seq - leaf.first.seq,
          count: leaf.last.seq - leaf.first.seq + 1,
        }
      );
    },
  };
};
