import type { Hex } from '../../src/core/hex.ts';

/** Pseudo-random numbers of a seed. The same seed draws the same numbers. */
export type Random = {
  /** From `least` to `most`, both included. */
  readonly integer: (least: number, most: number) => number;
  readonly amount: (least: bigint, most: bigint) => bigint;
  readonly chance: (share: number) => boolean;
  readonly pick: <T>(list: readonly [T, ...T[]]) => T;
  readonly hex: (bytes: number) => Hex;
  /** Returns an independent stream, so that draws of one part do not change those of another. */
  readonly fork: (name: string) => Random;
};

/** SplitMix32 on a hash of the seed's text. */
export const openRandom = (seed: string): Random => {
  let state = hashOf(seed);
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
  const integer = (least: number, most: number): number =>
    least + Math.floor(next() * (most - least + 1));
  return {
    integer,
    amount: (least, most) => BigInt(integer(Number(least), Number(most))),
    chance: (share) => next() < share,
    pick: (list) => list[integer(0, list.length - 1)] ?? list[0],
    hex: (bytes) =>
      `0x${Array.from({ length: bytes }, () => integer(0, 255).toString(16).padStart(2, '0')).join('')}`,
    fork: (name) => openRandom(`${seed}/${name}`),
  };
};

/** FNV-1a. */
const hashOf = (text: string): number =>
  [...text].reduce(
    (hash, character) => Math.imul(hash ^ character.charCodeAt(0), 0x01000193),
    0x811c9dc5,
  );
