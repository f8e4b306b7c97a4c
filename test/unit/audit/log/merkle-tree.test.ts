import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  consistencyProof,
  inclusionProof,
  rangeHash,
  rootOf,
} from '../../../../src/audit/log/merkle-tree.ts';
import {
  appendToTiles,
  hashesOf,
  parseTilePath,
  type TilePlace,
  tilePath,
  tileWidth,
  type WrittenTile,
} from '../../../../src/audit/log/tile.ts';
import { verifyConsistency, verifyInclusion } from '../../../../src/audit/log/verify-proof.ts';
import { encodeBase64 } from '../../../../src/crypto/bytes.ts';
import { CHECKPOINTS, leafHashes } from './vectors.ts';

const LARGE = 70_000;

/** The tiles of a log that grows in steps of the given sizes. */
const grow = (counts: readonly number[], hashes: readonly Uint8Array[]) => {
  const tiles = new Map<string, Uint8Array>();
  const read = (place: TilePlace) => tiles.get(tilePath(place));
  const writes: WrittenTile[][] = [];
  let size = 0;
  for (const count of counts) {
    const written = appendToTiles(read, size, hashes.slice(size, size + count));
    for (const { bytes, ...place } of written) tiles.set(tilePath(place), bytes);
    writes.push([...written]);
    size += count;
  }
  return { tiles, read: hashesOf(read), writes, size };
};

describe('the tree of a transparency log', () => {
  const hashes = leafHashes(LARGE);

  test('has the roots that the implementation of Go computes', () => {
    for (const { size, root } of CHECKPOINTS) {
      expect(encodeBase64(rootOf(hashes.slice(0, size)))).toBe(root);
    }
  });

  test('has the same roots from its tiles, however it grew', () => {
    const { read, tiles } = grow([1, 2, 252, 1, 1, 511, 60_000, LARGE - 60_768], hashes);
    for (const { size, root } of CHECKPOINTS) {
      expect(encodeBase64(rangeHash(0, size, read))).toBe(root);
    }
    // Level 0 has 273 full tiles and one of 112 hashes, level 1 a full tile and one of 17, and level 2 one tile with one hash.
    expect(tiles.size).toBe(274 + 2 + 1);
    expect(tiles.get('0/273')).toHaveLength(112 * 32);
    expect(tiles.get('1/001')).toHaveLength(17 * 32);
    expect(tiles.get('2/000')).toHaveLength(32);
  });

  test('changes one tile a level when it grows by little', () => {
    const { writes } = grow([255, 1, 1], hashes);
    expect(writes.map((own) => own.map(tilePath))).toEqual([
      ['0/000'],
      ['0/000', '1/000'],
      ['0/001'],
    ]);
  });

  test('cannot be read beyond its tiles', () => {
    const { read } = grow([3], hashes);
    expect(() => read(0, 3)).toThrow('tile 0/000 lacks hash 3');
    expect(() => read(2, 0)).toThrow('lacks');
  });

  test('proves leaf 2 of 3, and that 3 leaves extend 2', () => {
    const { read } = grow([3], hashes);
    expect(inclusionProof(2, 3, read).map(encodeBase64)).toEqual([
      't+cLz81PyDz92fHU81iJfHsD3ayzqxi9apCcAW65S5Y=',
    ]);
    expect(consistencyProof(2, 3, read).map(encodeBase64)).toEqual([
      'ib9hh3a2hhLnu9Sx0eRJGaSj4jUaShOsT8CElrJv4NM=',
    ]);
  });
});

describe('proofs', () => {
  const MOST = 700;
  const hashes = leafHashes(MOST);
  const { read } = grow([MOST], hashes);
  const rootAt = (size: number) => rangeHash(0, size, read);
  const sizes = fc.integer({ min: 1, max: MOST });

  test('of any leaf in a tree of any size hold, and of any other leaf, place, root or size fail', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (size, place, change) => {
        const index = place % size;
        const proof = inclusionProof(index, size, read);
        const leaf = { hash: hashes[index] as Uint8Array, index };
        const tree = { size, root: rootAt(size) };
        expect(verifyInclusion(leaf, tree, proof)).toBe(true);
        const other = (index + 1 + (change % MOST)) % MOST;
        const wrong = hashes[other === index ? (index + 1) % MOST : other] as Uint8Array;
        expect(verifyInclusion({ ...leaf, hash: wrong }, tree, proof)).toBe(false);
        if (other < size && other !== index) {
          expect(verifyInclusion({ ...leaf, index: other }, tree, proof)).toBe(false);
        }
        expect(verifyInclusion(leaf, { ...tree, root: wrong }, proof)).toBe(false);
        expect(verifyInclusion(leaf, tree, [...proof, wrong])).toBe(false);
        if (proof.length > 0) expect(verifyInclusion(leaf, tree, proof.slice(1))).toBe(false);
        expect(verifyInclusion({ ...leaf, index: size }, tree, proof)).toBe(false);
      }),
    );
  });

  test('of growth hold between any two sizes, and fail with another root, size or hash', () => {
    fc.assert(
      fc.property(fc.nat(MOST), sizes, fc.nat(), (one, other, change) => {
        const [small, large] = [Math.min(one, other), Math.max(one, other)];
        const proof = consistencyProof(small, large, read);
        const old = { size: small, root: rootAt(small) };
        const tree = { size: large, root: rootAt(large) };
        const wrong = hashes[change % MOST] as Uint8Array;
        expect(verifyConsistency(old, tree, proof)).toBe(true);
        if (small > 0) {
          expect(verifyConsistency({ ...old, root: nodeOf(wrong) }, tree, proof)).toBe(false);
          expect(verifyConsistency(old, { ...tree, root: nodeOf(wrong) }, proof)).toBe(false);
        }
        expect(verifyConsistency(old, tree, [...proof, wrong])).toBe(false);
        if (proof.length > 0) {
          const altered = proof.with(change % proof.length, nodeOf(wrong));
          expect(verifyConsistency(old, tree, altered)).toBe(false);
          expect(verifyConsistency(old, tree, proof.slice(0, -1))).toBe(false);
        }
        if (small < large) expect(verifyConsistency(tree, old, proof)).toBe(false);
      }),
    );
  });
});

/** A hash that does not occur in the tree. */
const nodeOf = (hash: Uint8Array): Uint8Array => hash.map((byte) => byte ^ 0xff);

describe('the address of a tile', () => {
  test('has groups of three digits', () => {
    expect(tilePath({ level: 0, index: 0 })).toBe('0/000');
    expect(tilePath({ level: 1, index: 1_234_067 })).toBe('1/x001/x234/067');
    expect(parseTilePath('1/x001/x234/067')).toEqual({ level: 1, index: 1_234_067, width: 256 });
    expect(parseTilePath('0/273.p/112')).toEqual({ level: 0, index: 273, width: 112 });
  });

  test.each([
    '0/0',
    '0/0000',
    '0/x000/001',
    '6/000',
    '00/000',
    '-1/000',
    '0/000.p/0',
    '0/000.p/256',
    '0/000.p/01',
    '0/000.p/',
    '0/x001',
    '0/000/',
    'x/000',
    '0/000.p/1/2',
    '',
  ])('is read in no other spelling: %s', (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });

  test('has as many hashes as the size of the log says', () => {
    expect(tileWidth({ level: 0, index: 273 }, LARGE)).toBe(112);
    expect(tileWidth({ level: 0, index: 272 }, LARGE)).toBe(256);
    expect(tileWidth({ level: 0, index: 274 }, LARGE)).toBe(0);
    expect(tileWidth({ level: 1, index: 1 }, LARGE)).toBe(17);
    expect(tileWidth({ level: 2, index: 0 }, LARGE)).toBe(1);
  });
});
