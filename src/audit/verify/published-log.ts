import { decodeUtf8 } from '../../crypto/bytes.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import { hasOnlyGrown } from '../log/growth.ts';
import { alteredTile } from '../log/published-tree.ts';
import type { ListedKey } from '../log/key-list.ts';
import { openCheckpoint, type ReadPublished, type SignedTree } from './log-evidence.ts';
import type { Tally } from './tally.ts';

/**
 * Compares the tree of exported leaves with what the gateway publishes now: its newest checkpoint extends the tree, and every tile has
 * the hashes of the tree. The root commits to each leaf, so an altered leaf and an altered tile both differ from it.
 *
 * @returns the newest checkpoint, if it is signed
 */
export const checkPublished = async (
  tree: Checkpoint,
  keys: readonly ListedKey[],
  published: ReadPublished,
  tally: Tally,
): Promise<SignedTree | undefined> => {
  const year = tree.origin.slice(-4);
  const pathOf = (name: string): string => `/log/${year}/${name}`;
  const breakHere = (name: string, reason: string): undefined => {
    tally.breakWith({ file: pathOf(name), line: 1, reason });
    return undefined;
  };
  const note = decodeUtf8((await published(`${year}/checkpoint`)) ?? new Uint8Array()) ?? '';
  const newest = await openCheckpoint({ name: pathOf('checkpoint'), text: note }, keys, tally);
  if (newest === undefined) return undefined;
  if (newest.origin !== tree.origin) return breakHere('checkpoint', 'other_origin');
  if (newest.size < tree.size) return breakHere('checkpoint', 'rolled_back');
  const fetchTile = async (path: string) => await published(`${year}/tile/${path}`);
  const altered = await alteredTile(tree, fetchTile);
  if (altered !== undefined) return breakHere(`tile/${altered}`, 'tile_altered');
  tally.prove();
  const hasGrown = await hasOnlyGrown(
    tree,
    newest,
    async (path) => (await fetchTile(path)) ?? new Uint8Array(),
  );
  if (!hasGrown) return breakHere('checkpoint', 'other_history');
  tally.prove();
  return newest;
};
