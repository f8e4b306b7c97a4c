import { emptyRoot, nodeHash } from './merkle-tree.ts';

/** A step upwards: the hash that the proof gives, its side, and the hash of the node above both. */
export type PathNode = {
  readonly sibling: Uint8Array;
  readonly side: 'left' | 'right';
  readonly above: Uint8Array;
};

/**
 * The nodes from a leaf up to the root of a tree of `size` leaves (RFC 9162 §2.1.3.2). If the proof is right, the last `above` is the root:
 * the caller must compare it.
 *
 * @returns undefined if the proof has too many or too few hashes for that place
 */
export const inclusionPath = (
  leaf: { readonly hash: Uint8Array; readonly index: number },
  size: number,
  proof: readonly Uint8Array[],
): readonly PathNode[] | undefined => {
  if (!isCount(leaf.index) || !isCount(size) || leaf.index >= size) return undefined;
  const path: PathNode[] = [];
  let node = leaf.index;
  let last = size - 1;
  let hash = leaf.hash;
  for (const sibling of proof) {
    if (last === 0) return undefined;
    if (isOdd(node) || node === last) {
      hash = nodeHash(sibling, hash);
      path.push({ sibling, side: 'left', above: hash });
      while (!isOdd(node) && node !== 0) {
        node /= 2;
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, sibling);
      path.push({ sibling, side: 'right', above: hash });
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 ? path : undefined;
};

/** Whether a leaf is in the tree with this root and size (RFC 9162 §2.1.3.2). */
export const verifyInclusion = (
  leaf: { readonly hash: Uint8Array; readonly index: number },
  tree: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean => {
  const path = inclusionPath(leaf, tree.size, proof);
  return path !== undefined && isEqual(path.at(-1)?.above ?? leaf.hash, tree.root);
};

type Tree = { readonly size: number; readonly root: Uint8Array };

/** Whether the larger tree begins with the leaves of the smaller one (RFC 9162 §2.1.4.2). Trees of one size must have one root. */
export const verifyConsistency = (old: Tree, tree: Tree, proof: readonly Uint8Array[]): boolean => {
  if (!isCount(old.size) || !isCount(tree.size) || old.size > tree.size) return false;
  if (old.size === tree.size) return proof.length === 0 && isEqual(old.root, tree.root);
  if (old.size === 0) return proof.length === 0 && isEqual(old.root, emptyRoot());
  const isPowerOfTwo = Number.isInteger(Math.log2(old.size));
  const [first, ...rest] = isPowerOfTwo ? [old.root, ...proof] : proof;
  if (first === undefined) return false;
  let node = old.size - 1;
  let last = tree.size - 1;
  while (isOdd(node)) {
    node = half(node);
    last = half(last);
  }
  let oldHash = first;
  let hash = first;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      oldHash = nodeHash(sibling, oldHash);
      hash = nodeHash(sibling, hash);
      while (!isOdd(node) && node !== 0) {
        node /= 2;
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 && isEqual(oldHash, old.root) && isEqual(hash, tree.root);
};

/** Sizes are safe integers beyond 32 bits, so no bit operations. */
const isOdd = (value: number): boolean => value % 2 === 1;
const half = (value: number): number => Math.floor(value / 2);
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

const isEqual = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);
