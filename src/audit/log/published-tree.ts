import { HASH_BYTES, rangeHash, rootOf } from './merkle-tree.ts';
import { hashesOf, splitTile, TILE_WIDTH, tilePath, type TilePlace, tileWidth } from './tile.ts';

type Tree = { readonly size: number; readonly root: Uint8Array };

/** Requests at a time. */
const CONCURRENT = 8;

/**
 * Reads every tile that a log publishes of one of its trees, and finds the first one that was altered: from the root downwards, so that
 * each tile is compared with a verified one. The tiles at the right edge together hash to the root.
 *
 * @param fetchTile reads the path after `/tile/`; undefined if there is no such tile.
 * @returns the path of an altered or missing tile; undefined if all of them are those of the tree
 * @throws whatever `fetchTile` throws
 */
export const alteredTile = async (
  { size, root }: Tree,
  fetchTile: (path: string) => Promise<Uint8Array | undefined>,
): Promise<string | undefined> => {
  const fetched = async (place: TilePlace): Promise<Uint8Array> => {
    const width = tileWidth(place, size);
    const path = tilePath(place);
    const bytes = await fetchTile(width === TILE_WIDTH ? path : `${path}.p/${width}`);
    return bytes?.length === width * HASH_BYTES ? bytes : new Uint8Array();
  };
  const edge = new Map<string, Uint8Array>();
  const edgePlaces = levelsOf(size).flatMap((level): readonly TilePlace[] => {
    const index = Math.floor(size / TILE_WIDTH ** (level + 1));
    return tileWidth({ level, index }, size) === 0 ? [] : [{ level, index }];
  });
  for (const place of edgePlaces) edge.set(tilePath(place), await fetched(place));
  const lacking = edgePlaces.find((place) => edge.get(tilePath(place))?.length === 0);
  if (lacking !== undefined) return tilePath(lacking);
  const [lowest] = edgePlaces;
  if (lowest === undefined) return undefined;
  const readEdge = hashesOf((place) => edge.get(tilePath(place)));
  if (!isSame(rangeHash(0, size, readEdge), root)) {
    return tilePath(lowest);
  }
  // The hashes of a level are those of the full tiles below it.
  let parents: readonly Uint8Array[] = [];
  for (const level of levelsOf(size).toReversed()) {
    const full = Math.floor(size / TILE_WIDTH ** (level + 1));
    const hashes: Uint8Array[] = [];
    for (let from = 0; from < full; from += CONCURRENT) {
      const indices = Array.from(
        { length: Math.min(CONCURRENT, full - from) },
        (_, at) => from + at,
      );
      const tiles = await Promise.all(
        indices.map(async (index) => await fetched({ level, index })),
      );
      for (const [at, bytes] of tiles.entries()) {
        const index = from + at;
        const place = { level, index };
        const own = splitTile(bytes);
        const parent = parents[index];
        const isRight =
          own.length === TILE_WIDTH && parent !== undefined && isSame(rootOf(own), parent);
        if (!isRight) return tilePath(place);
        if (level > 0) hashes.push(...own);
      }
    }
    if (level === 0) return undefined;
    const right = edge.get(tilePath({ level, index: full }));
    parents = [...hashes, ...(right === undefined ? [] : splitTile(right))];
  }
  return undefined;
};

/** The levels that a tree of so many leaves has tiles of. */
const levelsOf = (size: number): readonly number[] => {
  const levels: number[] = [];
  for (let level = 0; Math.floor(size / TILE_WIDTH ** level) > 0; level += 1) levels.push(level);
  return levels;
};

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);
