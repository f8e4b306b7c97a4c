import { sha256 } from '#sha256';

/**
 * The Merkle tree of RFC 6962 §2.1: a list of leaves whose root changes with any of them. Hashes are 32 bytes of SHA-256. Synchronous and
 * without Node, so that auditors verify in browsers, too.
 */

/** Bytes of a hash. */
export const HASH_BYTES = 32;

const LEAF = 0x00;
const NODE = 0x01;

/** The root of a tree without leaves: `SHA-256("")`. */
export const emptyRoot = (): Uint8Array => sha256(new Uint8Array());

/** The hash of a leaf: `SHA-256(0x00 ‖ data)`. */
export const leafHash = (data: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(1 + data.length);
  bytes[0] = LEAF;
  bytes.set(data, 1);
  return sha256(bytes);
};

/** The hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)`. */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(1 + 2 * HASH_BYTES);
  bytes[0] = NODE;
  bytes.set(left, 1);
  bytes.set(right, 1 + HASH_BYTES);
  return sha256(bytes);
};

/** The root over hashes of leaves. The left part of every inner node has the largest power of two of leaves below its count. */
export const rootOf = (hashes: readonly Uint8Array[]): Uint8Array => {
  const [only] = hashes;
  if (only === undefined) return emptyRoot();
  if (hashes.length === 1) return only;
  const split = largestPowerBelow(hashes.length);
  return nodeHash(rootOf(hashes.slice(0, split)), rootOf(hashes.slice(split)));
};

/** The largest power of two below `count`, which is at least 2. */
const largestPowerBelow = (count: number): number => 2 ** Math.floor(Math.log2(count - 1));

/** Reads the hash of a complete part of the tree: the `2^level` leaves from `index · 2^level` on. */
export type ReadHash = (level: number, index: number) => Uint8Array;

/** The root over the leaves from `from` to before `to`, of hashes of complete parts. `from` is a multiple of each part's size. */
export const rangeHash = (from: number, to: number, read: ReadHash): Uint8Array => {
  const count = to - from;
  if (count <= 0) return emptyRoot();
  const level = Math.log2(count);
  if (Number.isInteger(level)) return read(level, from / count);
  const split = from + largestPowerBelow(count);
  return nodeHash(rangeHash(from, split, read), rangeHash(split, to, read));
};

/** Proves that a leaf is in the tree of `size` leaves (RFC 6962 §2.1.1): the hashes from the leaf upwards. `index` is below `size`. */
export const inclusionProof = (
  index: number,
  size: number,
  read: ReadHash,
): readonly Uint8Array[] => {
  const path = (from: number, to: number): readonly Uint8Array[] => {
    if (to - from <= 1) return [];
    const split = from + largestPowerBelow(to - from);
    return index < split
      ? [...path(from, split), rangeHash(split, to, read)]
      : [...path(split, to), rangeHash(from, split, read)];
  };
  return path(0, size);
};

/** Proves that the tree of `size` leaves extends the one of `old` leaves (RFC 6962 §2.1.2). `old` is from 0 to `size`. */
export const consistencyProof = (
  old: number,
  size: number,
  read: ReadHash,
): readonly Uint8Array[] => {
  if (old === 0 || old === size) return [];
  const path = (from: number, to: number, isOldRoot: boolean): readonly Uint8Array[] => {
    if (to === old) return isOldRoot ? [] : [rangeHash(from, to, read)];
    const split = from + largestPowerBelow(to - from);
    return old <= split
      ? [...path(from, split, isOldRoot), rangeHash(split, to, read)]
      : [...path(split, to, false), rangeHash(from, split, read)];
  };
  return path(0, size, true);
};
