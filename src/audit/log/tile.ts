import { HASH_BYTES, nodeHash, type ReadHash, rootOf } from './merkle-tree.ts';

/**
 * Tiles of a transparency log (https://c2sp.org/tlog-tiles): 256 hashes of one level, side by side. Hash `k` of a tile at level L is the
 * root of `256^L` leaves. The tile at the right edge of a level may be partial, and a partial tile is the beginning of the full one.
 */
export type TilePlace = { readonly level: number; readonly index: number };

/** Hashes of a full tile. */
export const TILE_WIDTH = 256;
/** How many levels of the tree one level of tiles covers. */
const TILE_HEIGHT = 8;
/** The specification ends at level 5: 2^48 leaves. */
const MAX_LEVEL = 5;

/** The bytes of a tile with as many hashes as are known; undefined if there is no such tile. */
export type ReadTile = (place: TilePlace) => Uint8Array | undefined;

/** Reads hashes of complete parts of the tree from its tiles. @throws Error for a part that no tile has. */
export const hashesOf =
  (read: ReadTile): ReadHash =>
  (level, index) => {
    const height = level % TILE_HEIGHT;
    const width = 2 ** height;
    const first = index * width;
    const place = {
      level: (level - height) / TILE_HEIGHT,
      index: Math.floor(first / TILE_WIDTH),
    };
    const offset = first % TILE_WIDTH;
    const hashes = splitTile(read(place) ?? new Uint8Array()).slice(offset, offset + width);
    if (hashes.length < width) throw new Error(`tile ${tilePath(place)} lacks hash ${offset}`);
    return rootOf(hashes);
  };

/** As `hashesOf`, but reads each tile and computes each hash once: the proofs of one page share most of theirs. */
export const hashesOnce = (read: ReadTile): ReadHash => {
  const fromTile = hashesOf(read);
  const known = new Map<string, Uint8Array>();
  const once: ReadHash = (level, index) => {
    const place = `${level}/${index}`;
    const found = known.get(place);
    if (found !== undefined) return found;
    const hash =
      level % TILE_HEIGHT === 0
        ? fromTile(level, index)
        : nodeHash(once(level - 1, 2 * index), once(level - 1, 2 * index + 1));
    known.set(place, hash);
    return hash;
  };
  return once;
};

/** The hashes of a tile. */
export const splitTile = (bytes: Uint8Array): readonly Uint8Array[] =>
  Array.from({ length: Math.floor(bytes.length / HASH_BYTES) }, (_, at) =>
    bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );

/** A tile with its new bytes. */
export type WrittenTile = TilePlace & { readonly bytes: Uint8Array };

/**
 * Appends hashes of leaves to a tree of `size` leaves.
 *
 * @returns every tile that changes, with all of its bytes: at each level the tile at the right edge, and new ones after it.
 */
export const appendToTiles = (
  read: ReadTile,
  size: number,
  leaves: readonly Uint8Array[],
): readonly WrittenTile[] => {
  const written: WrittenTile[] = [];
  let level = 0;
  let count = size;
  let added = leaves;
  while (added.length > 0) {
    const full: Uint8Array[] = [];
    let index = Math.floor(count / TILE_WIDTH);
    let hashes = [
      ...splitTile(read({ level, index }) ?? new Uint8Array()).slice(0, count % TILE_WIDTH),
    ];
    if (hashes.length < count % TILE_WIDTH) throw new Error(`tile ${level}/${index} is missing`);
    for (const hash of added) {
      hashes.push(hash);
      if (hashes.length < TILE_WIDTH) continue;
      written.push({ level, index, bytes: joined(hashes) });
      full.push(tileRoot(hashes));
      index += 1;
      hashes = [];
    }
    if (hashes.length > 0) written.push({ level, index, bytes: joined(hashes) });
    count = Math.floor(count / TILE_WIDTH);
    added = full;
    level += 1;
  }
  return written;
};

const joined = (hashes: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(hashes.length * HASH_BYTES);
  for (const [at, hash] of hashes.entries()) bytes.set(hash, at * HASH_BYTES);
  return bytes;
};

/** The root of a full tile, level by level: a recursion would copy every part. */
const tileRoot = (hashes: readonly Uint8Array[]): Uint8Array => {
  let level = hashes;
  while (level.length > 1) {
    level = Array.from({ length: level.length / 2 }, (_, at) =>
      nodeHash(level[2 * at] as Uint8Array, level[2 * at + 1] as Uint8Array),
    );
  }
  return level[0] as Uint8Array;
};

/** How many hashes of this tile a tree of `size` leaves has: 0 to 256. */
export const tileWidth = ({ level, index }: TilePlace, size: number): number => {
  const hashes = Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH;
  return Math.min(TILE_WIDTH, Math.max(0, hashes));
};

/** The tiles that a reader of hashes needs, with their widths in a tree of `size` leaves. */
export const tilesRead = (
  size: number,
  reading: (read: ReadHash) => void,
): readonly (TilePlace & { readonly width: number })[] => {
  const seen = new Map<string, TilePlace & { readonly width: number }>();
  reading((level, index) => {
    const height = level % TILE_HEIGHT;
    const first = index * 2 ** height;
    const place = {
      level: (level - height) / TILE_HEIGHT,
      index: Math.floor(first / TILE_WIDTH),
    };
    seen.set(tilePath(place), { ...place, width: tileWidth(place, size) });
    return new Uint8Array(HASH_BYTES);
  });
  return [...seen.values()];
};

/** The path of a tile without its width: `<level>/<index>` in groups of three digits, all but the last with `x`. */
export const tilePath = ({ level, index }: TilePlace): string => {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/\d{3}/g) ?? [];
  const named = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group));
  return `${level}/${named.join('/')}`;
};

const PATH = /^(?<level>[0-5])\/(?<index>(?:x\d{3}\/)*\d{3})(?:\.p\/(?<width>[1-9]\d{0,2}))?$/;

/** Reads the path of a tile after `/tile/`, with its width. @returns undefined for any other spelling, so that a tile has one address. */
export const parseTilePath = (
  path: string,
): (TilePlace & { readonly width: number }) | undefined => {
  const { level, index, width } = PATH.exec(path)?.groups ?? {};
  if (level === undefined || index === undefined) return undefined;
  const place = { level: Number(level), index: Number(index.replaceAll(/[x/]/g, '')) };
  const hashes = width === undefined ? TILE_WIDTH : Number(width);
  const isCanonical =
    place.level <= MAX_LEVEL &&
    Number.isSafeInteger(place.index) &&
    tilePath(place) === `${level}/${index}` &&
    (width === undefined || hashes < TILE_WIDTH);
  return isCanonical ? { ...place, width: hashes } : undefined;
};
