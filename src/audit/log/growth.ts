import { consistencyProof } from './merkle-tree.ts';
import { hashesOf, tilePath, tilesRead, TILE_WIDTH } from './tile.ts';
import { verifyConsistency } from './verify-proof.ts';

type Tree = { readonly size: number; readonly root: Uint8Array };

/**
 * Whether a published log has only grown between two of its trees. Reads its public tiles and does not trust them: they must hash to both
 * roots.
 *
 * @param fetchTile reads the path after `/tile/`.
 * @throws whatever `fetchTile` throws
 */
export const hasOnlyGrown = async (
  old: Tree,
  tree: Tree,
  fetchTile: (path: string) => Promise<Uint8Array>,
): Promise<boolean> => {
  if (old.size > tree.size) return false;
  const places = tilesRead(tree.size, (read) => void consistencyProof(old.size, tree.size, read));
  const tiles = new Map(
    await Promise.all(
      places.map(async ({ width, ...place }) => {
        const path = tilePath(place);
        const bytes = await fetchTile(width === TILE_WIDTH ? path : `${path}.p/${width}`);
        return [path, bytes] as const;
      }),
    ),
  );
  try {
    const read = hashesOf((place) => tiles.get(tilePath(place)));
    return verifyConsistency(old, tree, consistencyProof(old.size, tree.size, read));
  } catch {
    // A tile that is shorter than its path says.
    return false;
  }
};
