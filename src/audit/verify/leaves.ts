import * as z from 'zod/mini';
import { ZERO_HASH } from '../../core/hex.ts';
import { decodeBase64, decodeUtf8, encodeBase64, utf8 } from '../../crypto/bytes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { type Leaf, parseLeaf } from '../log/leaf.ts';
import { leafHash } from '../log/merkle-tree.ts';
import { createTreeRoot } from '../log/tree-root.ts';
import { verifyInclusion } from '../log/verify-proof.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import type { Place } from './check.ts';
import { type Line, type LogFile, readLines } from './lines.ts';
import type { Tally } from './tally.ts';

/** A leaf of an account, and where the files have it. */
export type PlacedLeaf = Leaf & { readonly index: number; readonly place: Place };

/** Leaves by account, each account's in the order of its entries. */
export type Leaves = {
  readonly of: ReadonlyMap<AccountId, readonly PlacedLeaf[]>;
  readonly count: number;
  /** Whether they are all leaves of a log that follows no earlier one: then every account of the gateway must have some. */
  readonly isWhole: boolean;
};

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

/** The tree that the leaves must be in, and an older one that it must begin with. */
export type Trees = { readonly tree: Checkpoint; readonly older: Checkpoint | undefined };

/**
 * Reads the leaves of a log and checks them against a signed tree. Without proofs they are all leaves of the log: their root is recomputed.
 * With proofs they are those of an owner: each is proved by itself. The leaves of each account must continue one another; two that begin at
 * one entry are two histories.
 */
export const readLeaves = async (file: LogFile, trees: Trees, tally: Tally): Promise<Leaves> => {
  const { tree, older } = trees;
  const of = new Map<AccountId, PlacedLeaf[]>();
  const built = createTreeRoot();
  let count = 0;
  let isComplete = true;
  let follows = false;
  let lastIndex = -1;

  const read = (line: Line): void => {
    const place: Place = { file: file.name, line: line.number };
    const breakHere = (reason: string, account?: AccountId): void =>
      tally.breakWith({ ...place, ...(account === undefined ? {} : { account }), reason });
    const parsed = parseStrictJson(decodeUtf8(line.bytes) ?? '');
    const valid = parsed.ok ? schema.safeParse(parsed.value) : undefined;
    if (valid?.success !== true) return breakHere('malformed_leaf');
    const { index, leaf: text, proof } = valid.data;
    count += 1;
    const hash = leafHash(utf8(text));
    if (proof === undefined) {
      if (index !== built.size()) return breakHere('leaf_missing');
      built.append(hash);
      if (older?.size === built.size() && !isEqual(older.root, built.root())) {
        breakHere('other_history');
      }
    } else {
      isComplete = false;
      const hashes = proof.map(decodeBase64);
      const isIncluded =
        index > lastIndex &&
        !hashes.includes(undefined) &&
        verifyInclusion({ hash, index }, tree, hashes as Uint8Array[]);
      if (!isIncluded) return breakHere('leaf_not_included');
    }
    lastIndex = index;
    if (index === 0 && text.startsWith(FORMER_LOG)) {
      follows = true;
      return tally.prove();
    }
    const leaf = parseLeaf(text);
    if (leaf === undefined) return breakHere('malformed_leaf');
    const fault = add({ ...leaf, index, place });
    if (fault === undefined) tally.prove();
    else breakHere(fault, leaf.account);
  };

  const add = (leaf: PlacedLeaf): string | undefined => {
    const known = of.get(leaf.account);
    const before = known?.at(-1);
    if (known === undefined || before === undefined) {
      of.set(leaf.account, [leaf]);
      // An owner may not see the first leaf of the log, which says whether an older log holds what came before.
      if (leaf.first.seq === 1) return leaf.first.prev === ZERO_HASH ? undefined : 'leaf_unlinked';
      return follows || !isComplete ? undefined : 'leaf_gap';
    }
    known.push(leaf);
    if (leaf.first.seq <= before.last.seq) return 'forked';
    if (leaf.first.seq !== before.last.seq + 1) return 'leaf_gap';
    return leaf.first.prev === before.last.hash ? undefined : 'forked';
  };

  for await (const { lines, fault } of readLines(file, { limit: MAX_LINE })) {
    for (const line of lines) read(line);
    if (fault !== undefined) {
      tally.breakWith({ file: file.name, line: fault.line, reason: fault.reason });
    }
  }
  if (isComplete) {
    const end = { file: file.name, line: Math.max(1, count) };
    if (built.size() < tree.size) tally.breakWith({ ...end, reason: 'leaf_missing' });
    else if (built.size() > tree.size)
      tally.breakWith({ ...end, reason: 'leaf_beyond_checkpoint' });
    else if (!isEqual(built.root(), tree.root)) tally.breakWith({ ...end, reason: 'other_root' });
    else tally.prove();
  } else if (older !== undefined && older.size !== tree.size) {
    tally.skip('an older checkpoint needs all leaves of the log, which only its operator exports');
  }
  return { of, count, isWhole: isComplete && !follows };
};

const isEqual = (one: Uint8Array, other: Uint8Array): boolean =>
  encodeBase64(one) === encodeBase64(other);
