import { describe, expect, test } from 'vitest';
import { rootOf } from '../../../../src/audit/log/merkle-tree.ts';
import { alteredTile } from '../../../../src/audit/log/published-tree.ts';
import { appendToTiles, tilePath } from '../../../../src/audit/log/tile.ts';
import { leafHashes } from './vectors.ts';

/** With 65,536 leaves, the second level has a full tile. */
const LEAVES = leafHashes(65_600);

/** A published log whose tiles a test can change. */
const published = (size: number) => {
  const leaves = LEAVES.slice(0, size);
  const root = rootOf(leaves);
  const tiles = new Map(
    appendToTiles(() => undefined, 0, leaves).map(({ bytes, ...place }) => [
      tilePath(place),
      bytes,
    ]),
  );
  const fetchTile = async (path: string): Promise<Uint8Array | undefined> => {
    const [place = '', width = '256'] = path.split('.p/');
    return tiles.get(place)?.slice(0, 32 * Number(width));
  };
  return { tiles, altered: async () => await alteredTile({ size, root }, fetchTile) };
};

const flipped = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte));

describe('the tiles of a published log', () => {
  test.each([0, 1, 255, 256, 257, 512, 1_300])('of %i leaves lead to its root', async (size) => {
    expect(await published(size).altered()).toBeUndefined();
  });

  test('are each found if one bit of it is altered, or if it is missing or short', async () => {
    const { tiles, altered } = published(1_300);
    for (const path of ['0/000', '0/004', '0/005', '1/000']) {
      const bytes = tiles.get(path) as Uint8Array;
      tiles.set(path, flipped(bytes));
      // Tiles at the right edge only lead to the root together, so the check names the lowest one.
      expect(await altered()).toBe(path === '1/000' ? '0/005' : path);
      tiles.delete(path);
      expect(await altered()).toBe(path);
      tiles.set(path, bytes.slice(0, -32));
      expect(await altered()).toBe(path);
      tiles.set(path, bytes);
    }
    expect(await altered()).toBeUndefined();
  });

  test('are found altered at a higher level', async () => {
    const { tiles, altered } = published(65_600);
    expect(await altered()).toBeUndefined();
    tiles.set('1/000', flipped(tiles.get('1/000') as Uint8Array));
    expect(await altered()).toBe('1/000');
  });
});
