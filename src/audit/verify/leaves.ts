import * as z from 'zod/mini';
import { decodeBase64, decodeUtf8, encodeBase64, utf8 } from '../../crypto/bytes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { parseHeads } from '../log/heads.ts';
import { headOfLeaf, parseLeaf } from '../log/leaf.ts';
import { leafHash } from '../log/merkle-tree.ts';
import { createTreeRoot } from '../log/tree-root.ts';
import { verifyInclusion } from '../log/verify-proof.ts';
import { type Checkpoint, parseCheckpoint } from '../log/checkpoint.ts';
import { readNote } from '../log/signed-note.ts';
import type { Place } from './check.ts';
import { type Line, type LogFile, MAX_BROKEN_LINES, readLines } from './lines.ts';
import type { YearTree } from './log-evidence.ts';
import type { LoggedAccounts } from './logged-accounts.ts';
import { createLoggedIndex } from './logged-index.ts';
import type { Tally } from './tally.ts';

/** The first leaf of a log that follows another one: the last checkpoint of that one. */
const FORMER_LOG = 'countersign-log/1\n';
/** Bytes of a line, at most: a leaf may hold a whole checkpoint. */
const MAX_LINE = 131_072;
const MAX_PROOF = 63;

const schema = z.strictObject({
  index: z.int().check(z.nonnegative()),
  leaf: z.string().check(z.maxLength(65_536)),
  proof: z.optional(z.array(z.string().check(z.maxLength(64))).check(z.maxLength(MAX_PROOF))),
});

/**
 * The tree that must contain the leaves, and the earlier trees that it must extend: one that the reader kept, and one that the next year's
 * log names.
 */
export type Trees = {
  readonly tree: Checkpoint;
  readonly kept: Checkpoint | undefined;
  readonly named: Checkpoint | undefined;
};

/**
 * Reads the leaves of a year and checks them against its signed tree. Without proofs, the file must have all leaves of the log, and their
 * root is recomputed. With proofs, it has the leaves of one owner, and each is proved by itself. A mixture is rejected, because nothing
 * would prove the leaves without proofs. The leaves of each account must continue one another, also from year to year.
 */
export const readLeaves = async (
  file: LogFile,
  { tree, kept, named }: Trees,
  accounts: LoggedAccounts,
  tally: Tally,
): Promise<Pick<YearTree, 'isComplete' | 'index'>> => {
  const earlier = [kept, named].filter((one) => one?.origin === tree.origin);
  const offset = accounts.leaves();
  const built = createTreeRoot();
  const logged = createLoggedIndex();
  let headsRoot: Uint8Array | undefined;
  let count = 0;
  let isComplete = true;
  let follows = false;
  let lastIndex = -1;
  let broken = 0;

  const read = (line: Line): void => {
    const place: Place = { file: file.name, line: line.number };
    const breakHere = (reason: string, account?: AccountId): void => {
      broken += 1;
      tally.breakWith({ ...place, ...(account === undefined ? {} : { account }), reason });
    };
    const valid = readLine(line);
    if (valid === undefined) return breakHere('malformed_leaf');
    const { index, leaf: text, proof } = valid;
    count += 1;
    const hash = leafHash(utf8(text));
    if (proof === undefined) {
      // Attack: one line with a proof turns off the check of the root at the end, so a later line without a proof could be forged.
      if (!isComplete) return breakHere('leaf_not_included');
      if (index !== built.size()) return breakHere('leaf_missing');
      built.append(hash);
      const isOther = earlier.some(
        (one) => one?.size === built.size() && !isEqual(one.root, built.root()),
      );
      if (isOther) breakHere('other_history');
    } else {
      isComplete = false;
      const hashes = proof.map(decodeBase64);
      const isIncluded =
        built.size() === 0 &&
        index > lastIndex &&
        !hashes.includes(undefined) &&
        verifyInclusion({ hash, index }, tree, hashes as Uint8Array[]);
      if (!isIncluded) return breakHere('leaf_not_included');
    }
    lastIndex = index;
    if (index === 0 && text.startsWith(FORMER_LOG)) {
      follows = true;
      return headingIn(text) === undefined ? breakHere('malformed_leaf') : tally.prove();
    }
    const root = parseHeads(text);
    if (root !== undefined) {
      // An account has no anchor here if the log with its first leaf is missing.
      const isOther =
        isComplete && accounts.of.size === accounts.anchors.size && !isEqual(root, logged.root());
      if (isOther) return breakHere('other_heads');
      if (index === tree.size - 1) headsRoot = root;
      return tally.prove();
    }
    const leaf = parseLeaf(text);
    if (leaf === undefined) return breakHere('malformed_leaf');
    const placed = { ...leaf, place, log: tree.origin, index, ordinal: offset + index };
    // An owner may not see the first leaf of a log, which would show whether an older log has the earlier leaves.
    const fault = accounts.add(placed, offset === 0 && (follows || !isComplete));
    const anchor = isComplete ? accounts.anchors.get(leaf.account) : undefined;
    if (anchor !== undefined) logged.add(anchor, headOfLeaf(leaf));
    if (fault === undefined) return tally.prove();
    if (fault !== 'follows') return breakHere(fault, leaf.account);
    tally.skip(
      `the log before ${tree.origin} is missing: it has the first leaves of ${leaf.account}`,
    );
  };

  for await (const { lines, fault } of readLines(file, { limit: MAX_LINE })) {
    for (const line of lines) if (broken < MAX_BROKEN_LINES) read(line);
    if (fault !== undefined) tally.breakWith({ file: file.name, ...fault });
    if (broken >= MAX_BROKEN_LINES) break;
  }
  if (isComplete) {
    const end = { file: file.name, line: Math.max(1, count) };
    if (built.size() < tree.size) tally.breakWith({ ...end, reason: 'leaf_missing' });
    else if (built.size() > tree.size)
      tally.breakWith({ ...end, reason: 'leaf_beyond_checkpoint' });
    else if (!isEqual(built.root(), tree.root)) tally.breakWith({ ...end, reason: 'other_root' });
    else tally.prove();
  } else if (kept !== undefined && kept.size !== tree.size) {
    tally.skip('an older checkpoint needs all leaves of the log, which only its operator exports');
  }
  accounts.endYear(tree.size);
  return { isComplete, ...(headsRoot === undefined ? {} : { index: headsRoot }) };
};

/**
 * The checkpoint of the year before that the first leaf of a log names. Its signature proves nothing more: a signed tree covers this leaf,
 * and with it the tree of that year.
 */
export const readHeading = async (file: LogFile): Promise<Checkpoint | undefined> => {
  for await (const { lines } of readLines(file, { limit: MAX_LINE })) {
    const [first] = lines;
    if (first === undefined) continue;
    const { index, leaf = '' } = readLine(first) ?? {};
    return index === 0 && leaf.startsWith(FORMER_LOG) ? headingIn(leaf) : undefined;
  }
  return undefined;
};

const headingIn = (leaf: string): Checkpoint | undefined => {
  const note = readNote(leaf.slice(FORMER_LOG.length));
  return note.ok ? parseCheckpoint(note.value.text) : undefined;
};

const readLine = (line: Line): z.output<typeof schema> | undefined => {
  const parsed = parseStrictJson(decodeUtf8(line.bytes) ?? '');
  return parsed.ok ? schema.safeParse(parsed.value).data : undefined;
};

const isEqual = (one: Uint8Array, other: Uint8Array): boolean =>
  encodeBase64(one) === encodeBase64(other);
