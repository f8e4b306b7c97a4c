import { decodeBase64, encodeBase64 } from '../../crypto/bytes.ts';
import { emptyRoot, HASH_BYTES, leafHash, nodeHash, type ReadHash, rootOf } from './merkle-tree.ts';

/**
 * The index of a log (docs/audit-format.md, "Heads"): the newest leaf of each account, in 4,096 slots under a Merkle tree. The log appends
 * its root as a leaf before it signs, so a checkpoint commits to it, and a reader of only some accounts can check that no later leaf was
 * left out.
 *
 * An account is found by its anchor, a hash of its first leaf. Attack: with addresses for keys, a stranger could choose an own address next
 * to another one, and see in its own proofs when that account is active. The anchor is salted by the account's first entry.
 */
export const SLOTS = 4_096;
const HEIGHT = 12;
/** Bytes of an anchor and a head. */
const PAIR = 2 * HASH_BYTES;

const HEADS = 'countersign-heads/1\n';

/** The text of the leaf with the root of the index. */
export const headsText = (root: Uint8Array): string => `${HEADS}${encodeBase64(root)}\n`;

/** Reads the root of the index. @returns undefined for any other leaf. */
export const parseHeads = (text: string): Uint8Array | undefined => {
  const root =
    text.startsWith(HEADS) && text.endsWith('\n')
      ? decodeBase64(text.slice(HEADS.length, -1))
      : undefined;
  return root?.length === HASH_BYTES ? root : undefined;
};

/** The number of the slot of an anchor: its first 12 bits. */
export const slotOf = ([first = 0, second = 0]: Uint8Array): number =>
  first * 16 + Math.floor(second / 16);

const pairsOf = (slot: Uint8Array): readonly Uint8Array[] =>
  Array.from({ length: slot.length / PAIR }, (_, at) => slot.subarray(at * PAIR, (at + 1) * PAIR));

/** Compares two byte strings over the length of the first. */
const order = (one: Uint8Array, other: Uint8Array): number => {
  const at = one.findIndex((byte, index) => byte !== other[index]);
  return (one[at] ?? 0) - (other[at] ?? 0);
};

/** The head of an account in its slot. */
export const headIn = (slot: Uint8Array, anchor: Uint8Array): Uint8Array | undefined =>
  pairsOf(slot)
    .find((pair) => order(anchor, pair) === 0)
    ?.subarray(HASH_BYTES);

/** A slot with another head of one account. */
export const withHead = (slot: Uint8Array, anchor: Uint8Array, head: Uint8Array): Uint8Array => {
  let [from, to] = [0, slot.length / PAIR];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (order(anchor, slot.subarray(middle * PAIR)) > 0) from = middle + 1;
    else to = middle;
  }
  const at = from * PAIR;
  const isKnown = at < slot.length && order(anchor, slot.subarray(at)) === 0;
  const rest = slot.subarray(isKnown ? at + PAIR : at);
  const bytes = new Uint8Array(at + PAIR + rest.length);
  bytes.set(slot.subarray(0, at));
  bytes.set(anchor, at);
  bytes.set(head, at + HASH_BYTES);
  bytes.set(rest, at + PAIR);
  return bytes;
};

/** The hash of a slot: the root over its pairs. */
export const slotHash = (slot: Uint8Array): Uint8Array => rootOf(pairsOf(slot).map(leafHash));

/** The tree over the hashes of all slots. */
export type HeadsTree = {
  /** @returns the hashes that it replaced, by `nodeKey`. */
  readonly put: (
    slots: Iterable<readonly [number: number, hash: Uint8Array]>,
  ) => ReadonlyMap<number, Uint8Array>;
  readonly read: ReadHash;
  readonly root: () => Uint8Array;
};

export const nodeKey = (level: number, index: number): number => level * SLOTS + index;

/** An index without accounts. */
export const createHeadsTree = (): HeadsTree => {
  const levels = Array.from({ length: HEIGHT + 1 }, () => new Map<number, Uint8Array>());
  const blanks = [emptyRoot()];
  for (const blank of blanks) if (blanks.length <= HEIGHT) blanks.push(nodeHash(blank, blank));
  const read: ReadHash = (level, index) =>
    levels[level]?.get(index) ?? (blanks[level] as Uint8Array);
  return {
    read,
    root: () => read(HEIGHT, 0),
    put(slots) {
      let changed = new Map(slots);
      const replaced = new Map<number, Uint8Array>();
      for (const [level, hashes] of levels.entries()) {
        for (const [index, hash] of changed) {
          replaced.set(nodeKey(level, index), read(level, index));
          hashes.set(index, hash);
        }
        const above = new Set([...changed.keys()].map((index) => index >> 1));
        changed = new Map(
          [...above].map((index) => [
            index,
            nodeHash(read(level, 2 * index), read(level, 2 * index + 1)),
          ]),
        );
      }
      return replaced;
    },
  };
};
