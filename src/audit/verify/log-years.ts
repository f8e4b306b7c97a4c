import { encodeBase64 } from '../../crypto/bytes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import { readHeading, readLeaves } from './leaves.ts';
import type { LogFile } from './lines.ts';
import {
  type LogEvidence,
  openCheckpoint,
  readKeys,
  type SignedTree,
  type YearTree,
} from './log-evidence.ts';
import { createLoggedAccounts, type PlacedLeaf } from './logged-accounts.ts';
import { checkPublished } from './published-log.ts';
import type { Tally } from './tally.ts';

/** The leaves of all years. */
export type LoggedHistory = {
  /** Leaves by account, each account's in the order of its entries. */
  readonly of: ReadonlyMap<AccountId, readonly PlacedLeaf[]>;
  /** The anchor of each account whose first leaf the files have. */
  readonly anchors: ReadonlyMap<AccountId, Uint8Array>;
  /** The trees of the years, the oldest first. */
  readonly trees: readonly YearTree[];
  /** Whether these are all leaves since the first log of the gateway: then every account of the gateway must have some. */
  readonly isWhole: boolean;
  /** The checkpoints of all years, including those that the gateway publishes now. */
  readonly signed: readonly SignedTree[];
};

/** A year whose checkpoint is signed, with the checkpoint of the year before that its first leaf names. */
type OpenYear = {
  readonly tree: SignedTree;
  readonly leaves: LogFile;
  readonly heading: Checkpoint | undefined;
};

/**
 * Opens the checkpoints of all years and reads their leaves. The first leaf of a year names a checkpoint of the year before, so that replacing
 * the log of one year also requires replacing those of all later years.
 *
 * @returns undefined if a checkpoint proves nothing
 */
export const readYears = async (
  evidence: LogEvidence,
  tally: Tally,
): Promise<LoggedHistory | undefined> => {
  const { years, older: given, pinned = evidence.keys } = evidence;
  if (pinned.length === 0) {
    tally.skip('the file log-key is missing');
    return undefined;
  }
  const keys = readKeys(pinned, tally);
  if (keys === undefined) return undefined;
  const open: OpenYear[] = [];
  for (const { checkpoint, leaves } of years) {
    if (checkpoint === undefined) {
      tally.skip(`the checkpoint of ${leaves.name} is missing`);
      return undefined;
    }
    const tree = await openCheckpoint(checkpoint, keys, tally);
    if (tree === undefined) return undefined;
    const before = open.at(-1);
    if (before !== undefined && !isLaterYear(before.tree, tree)) {
      tally.breakWith({ file: checkpoint.name, line: 1, reason: 'other_origin' });
      return undefined;
    }
    open.push({ tree, leaves, heading: await readHeading(leaves) });
  }
  const older = given === undefined ? undefined : await openCheckpoint(given, keys, tally);
  if (older !== undefined && !open.some(({ tree }) => tree.origin === older.origin)) {
    tally.skip(`the leaves of ${older.origin} are missing, of which a checkpoint was given`);
  }
  const accounts = createLoggedAccounts();
  const signed = open.map(({ tree }) => tree);
  const trees: YearTree[] = [];
  let isWhole = true;
  for (const [at, year] of open.entries()) {
    const next = open[at + 1];
    const kept = older?.origin === year.tree.origin ? older : undefined;
    checkSizes(year, kept, tally);
    checkSizes(year, next?.heading, tally);
    const isFirst = at === 0;
    const among = { tree: year.tree, kept, named: next?.heading };
    const found = await readLeaves(year.leaves, among, accounts, tally);
    const { isComplete } = found;
    if (isFirst && isComplete && year.heading !== undefined) {
      tally.skip(`the log ${year.heading.origin} is missing, which ${year.tree.origin} continues`);
    }
    if (!isFirst && year.heading?.origin !== open[at - 1]?.tree.origin) {
      if (isComplete || year.heading !== undefined)
        tally.breakWith({ file: year.leaves.name, line: 1, reason: 'log_unlinked' });
      else
        tally.skip(`the first leaf of ${year.tree.origin} is missing, which names the year before`);
    }
    const { published } = evidence;
    const newest = published && (await checkPublished(year.tree, keys, published, tally));
    if (newest !== undefined) signed.push(newest);
    trees.push({ ...found, tree: year.tree, ...(newest === undefined ? {} : { newest }) });
    isWhole &&= isComplete && !(isFirst && year.heading !== undefined);
  }
  return { of: accounts.of, anchors: accounts.anchors, trees, isWhole, signed };
};

const YEAR_DIGITS = 4;

const isLaterYear = ({ origin: before }: Checkpoint, { origin }: Checkpoint): boolean =>
  before.slice(0, -YEAR_DIGITS) === origin.slice(0, -YEAR_DIGITS) &&
  before.slice(-YEAR_DIGITS) < origin.slice(-YEAR_DIGITS);

/** An earlier tree must not be larger, and one of the same size must be the same. `readLeaves` compares smaller ones. */
const checkSizes = ({ tree }: OpenYear, earlier: Checkpoint | undefined, tally: Tally): void => {
  if (earlier === undefined || earlier.origin !== tree.origin) return;
  if (earlier.size > tree.size) {
    tally.breakWith({ file: tree.name, line: 2, reason: 'rolled_back' });
  } else if (earlier.size === tree.size && encodeBase64(earlier.root) !== encodeBase64(tree.root)) {
    tally.breakWith({ file: tree.name, line: 3, reason: 'other_history' });
  }
};
