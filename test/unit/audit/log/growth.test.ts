import { describe, expect, test } from 'vitest';
import { hasOnlyGrown } from '../../../../src/audit/log/growth.ts';
import { rootOf } from '../../../../src/audit/log/merkle-tree.ts';
import { appendToTiles, tilePath } from '../../../../src/audit/log/tile.ts';
import { leafHashes } from './vectors.ts';

const LEAVES = leafHashes(1_300);
const treeOf = (size: number) => ({ size, root: rootOf(LEAVES.slice(0, size)) });

/** A log's public tiles, and a record of those that were read. */
const published = (leaves: readonly Uint8Array[]) => {
  const tiles = new Map(
    appendToTiles(() => undefined, 0, leaves).map(({ bytes, ...place }) => [
      tilePath(place),
      bytes,
    ]),
  );
  const fetched: string[] = [];
  return {
    fetched,
    fetchTile: async (path: string): Promise<Uint8Array> => {
      fetched.push(path);
      const [place = '', width = '256'] = path.split('.p/');
      return (tiles.get(place) ?? new Uint8Array()).slice(0, 32 * Number(width));
    },
  };
};

describe('the growth of a published log', () => {
  test.each([
    [1, 1],
    [1, 2],
    [255, 256],
    [256, 257],
    [300, 700],
    [512, 1_300],
    [1_299, 1_300],
  ])('from %i to %i leaves is shown by its tiles', async (old, size) => {
    const { fetchTile, fetched } = published(LEAVES.slice(0, size));
    expect(await hasOnlyGrown(treeOf(old), treeOf(size), fetchTile)).toBe(true);
    expect(fetched.length).toBeLessThan(8);
  });

  test('is not shown by a log that replaced a leaf, shrank, or lacks a tile', async () => {
    const other = LEAVES.slice(0, 700).with(10, LEAVES[11] as Uint8Array);
    const forked = { size: 700, root: rootOf(other) };
    expect(await hasOnlyGrown(treeOf(300), forked, published(other).fetchTile)).toBe(false);
    const { fetchTile } = published(LEAVES.slice(0, 700));
    expect(await hasOnlyGrown(treeOf(300), forked, fetchTile)).toBe(false);
    expect(await hasOnlyGrown(treeOf(700), treeOf(300), fetchTile)).toBe(false);
    expect(await hasOnlyGrown(treeOf(300), treeOf(700), async () => new Uint8Array(32))).toBe(
      false,
    );
  });
});
