import type { AnswerOf } from '../../management/routes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { isRefusal } from '../lib/errors.ts';

type Leaf = { readonly index: number; readonly leaf: string; readonly proof?: readonly string[] };

/** The leaves of one tree: its signed checkpoint, and a line of `leaves.ndjson` for each leaf, in the order of the log. */
export type LeafFiles = { readonly checkpoint: string; readonly lines: AsyncIterable<string> };

type Tree = { readonly size: number; readonly checkpoint?: string };
type Page = Tree & { readonly items: readonly Leaf[]; readonly next?: string };
type ReadPage = (size: number | undefined, after: string | undefined) => Promise<Page>;

/** How often to begin again with a larger tree, if the log signs one between two requests. */
const TRIES = 3;

/**
 * All leaves of the current log, for an operator.
 *
 * @returns undefined if the gateway has no log, or none that it has signed
 * @throws CliError
 */
export const allLeaves = async (admin: AdminClient): Promise<LeafFiles | undefined> =>
  await leafFiles([
    async (size, after) =>
      (await admin.call('log.leaves', { query: { limit: 500, ...optional(size, after) } })).body,
  ]);

/** The leaves of some accounts, each with its proof in the tree of the checkpoint. @throws CliError */
export const leavesOfAccounts = async (
  admin: AdminClient,
  accounts: readonly AccountId[],
): Promise<LeafFiles | undefined> =>
  await leafFiles(
    accounts.map((account): ReadPage => async (size, after) => {
      const query = { limit: 100, ...optional(size, after) };
      return (await admin.call('account.leaves', { params: { account }, query }))
        .body satisfies AnswerOf<'account.leaves'>;
    }),
  );

const optional = (size: number | undefined, after: string | undefined) => ({
  ...(size === undefined ? {} : { size }),
  ...(after === undefined ? {} : { after }),
});

const leafFiles = async (sources: readonly ReadPage[]): Promise<LeafFiles | undefined> => {
  const [first] = sources;
  if (first === undefined) return undefined;
  for (let tried = 0; tried < TRIES; tried += 1) {
    const tree = await signedTree(first);
    if (tree === undefined || tree.size === 0) return undefined;
    const { size, checkpoint } = tree;
    // Absent if the log has signed a larger tree since: ask again for that one.
    if (checkpoint === undefined) continue;
    const lines = inOrder(sources.map((read) => leavesFrom(read, size)));
    return { checkpoint, lines };
  }
  return undefined;
};

const signedTree = async (read: ReadPage): Promise<Tree | undefined> => {
  try {
    return await read(undefined, undefined);
  } catch (thrown) {
    if (isRefusal(thrown, 'not_found')) return undefined;
    throw thrown;
  }
};

/** All leaves of one source, in trees of one size: their proofs must lead to the one checkpoint. */
async function* leavesFrom(read: ReadPage, size: number): AsyncGenerator<Leaf> {
  let after: string | undefined;
  do {
    const page = await read(size, after);
    yield* page.items;
    after = page.next;
  } while (after !== undefined);
}

/** Merges sources that are in the order of the log, and keeps one leaf of each in memory besides its page. */
async function* inOrder(sources: readonly AsyncGenerator<Leaf>[]): AsyncGenerator<string> {
  const heads = await Promise.all(sources.map(async (source) => await source.next()));
  for (;;) {
    let least: { readonly at: number; readonly leaf: Leaf } | undefined;
    for (const [at, head] of heads.entries())
      if (head.done !== true && (least === undefined || head.value.index < least.leaf.index))
        least = { at, leaf: head.value };
    if (least === undefined) return;
    const { index, leaf, proof } = least.leaf;
    yield `${JSON.stringify({ index, leaf, ...(proof === undefined ? {} : { proof }) })}\n`;
    const source = sources[least.at];
    if (source === undefined) return;
    heads[least.at] = await source.next();
  }
}
