import { emptyRoot, nodeHash } from './merkle-tree.ts';

/** A Merkle tree that grows leaf by leaf and keeps one hash for each complete part at its right edge: 20 hashes for a million leaves. */
export type TreeRoot = {
  readonly append: (leafHash: Uint8Array) => void;
  readonly size: () => number;
  /** The root over the leaves so far (RFC 6962 §2.1). */
  readonly root: () => Uint8Array;
};

export const createTreeRoot = (): TreeRoot => {
  /** Roots of complete parts, the largest first. Each part has at least twice as many leaves as the next one. */
  const edge: { readonly level: number; readonly hash: Uint8Array }[] = [];
  let size = 0;
  return {
    append: (leafHash) => {
      let level = 0;
      let hash = leafHash;
      while (edge.at(-1)?.level === level) {
        hash = nodeHash(edge.pop()?.hash as Uint8Array, hash);
        level += 1;
      }
      edge.push({ level, hash });
      size += 1;
    },
    size: () => size,
    root: () => {
      const last = edge.at(-1);
      if (last === undefined) return emptyRoot();
      return edge
        .slice(0, -1)
        .toReversed()
        .reduce((right, { hash }) => nodeHash(hash, right), last.hash);
    },
  };
};
