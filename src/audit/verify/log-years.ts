import { encodeBase64 } from '../../crypto/bytes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import { readHeading, readLeaves } from './leaves.ts';
import type { LogFile } from './lines.ts';
import { type LogEvidence, openCheckpoint, readKeys, type SignedTree } from './log-evidence.ts';
import { createLoggedAccounts, type PlacedLeaf } from './logged-accounts.ts';
import { checkPublished } from './published-log.ts';
import type { Tally } from './tally.ts';

/** The leaves of all years. */
export type LoggedHistory = {
  /** Leaves by account, each account's in the order of its entries. */
  readonly of: ReadonlyMap<AccountId, readonly PlacedLeaf[]>;
  /** Whether they are all leaves since the first log of the gateway: then every account of it must have some. */
  readonly isWhole: boolean;
  /** The checkpoints of all years, also those that the gateway publishes now. */
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
  const { years, older: given } = evidence;
  if (evidence.keys.length === 0) {
    tally.skip('the file log-key is missing');
    return undefined;
  }
  const keys = readKeys(evidence.keys, tally);
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
  let isWhole = true;
  for (const [at, year] of open.entries()) {
    const next = open[at + 1];
    const kept = older?.origin === year.tree.origin ? older : undefined;
    checkSizes(year, kept, tally);
    checkSizes(year, next?.heading, tally);
    const isFirst = at === 0;
    if (isFirst && year.heading !== undefined) {
      tally.skip(`the log ${year.heading.origin} is missing, which ${year.tree.origin} continues`);
    }
    const trees = { tree: year.tree, kept, named: next?.heading };
    const { isComplete } = await readLeaves(year.leaves, trees, accounts, tally);
    // Only the operator has the first leaf.
    if (isComplete && !isFirst && year.heading?.origin !== open[at - 1]?.tree.origin) {
      tally.breakWith({ file: year.leaves.name, line: 1, reason: 'log_unlinked' });
    }
    if (evidence.published !== undefined) {
      const newest = await checkPublished(year.tree, keys, evidence.published, tally);
      if (newest !== undefined) signed.push(newest);
    }
    isWhole &&= isComplete && !(isFirst && year.heading !== undefined);
  }
  return { of: accounts.of, isWhole, signed };
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
