import type { AnswerOf } from '../../management/routes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { isRefusal } from '../lib/errors.ts';

type Leaf = { readonly index: number; readonly leaf: string; readonly proof?: readonly string[] };

/** The leaves of one tree: its signed checkpoint, and a line of `leaves.ndjson` for each leaf, in the order of the log. */
export type LeafFiles = {
  readonly year: number;
  readonly checkpoint: string;
  readonly lines: AsyncIterable<string>;
};

type Tree = { readonly size: number; readonly checkpoint?: string };
type Page = Tree & { readonly items: readonly Leaf[]; readonly next?: string };
type Range = { readonly year: number; readonly size?: number; readonly after?: string };
type ReadPage = (range: Range) => Promise<Page>;

/** How often to begin again with a larger tree, if the log signs one between two requests. */
const TRIES = 3;

/**
 * All leaves of each year, for an operator; the newest year first.
 *
 * @returns nothing if the gateway has no log, or none that it has signed
 * @throws CliError
 */
export const allLeaves = async (admin: AdminClient): Promise<readonly LeafFiles[]> =>
  await leafFiles(admin, [
    async (range) => (await admin.call('log.leaves', { query: { limit: 500, ...range } })).body,
  ]);

/** The leaves of some accounts, each with its proof in the tree of the checkpoint of its year. @throws CliError */
export const leavesOfAccounts = async (
  admin: AdminClient,
  accounts: readonly AccountId[],
): Promise<readonly LeafFiles[]> =>
  await leafFiles(
    admin,
    accounts.map((account): ReadPage => async (range) => {
      const query = { limit: 100, ...range };
      return (await admin.call('account.leaves', { params: { account }, query }))
        .body satisfies AnswerOf<'account.leaves'>;
    }),
  );

/**
 * The years of a log, back to the first one. A log continues that of the year before only if that one has leaves, so an empty year ends it; the
 * current year may have none yet. The newest is read first: its first leaf names a tree of the year before, which must not be larger than the one
 * that is read of that year.
 */
const leafFiles = async (
  { session }: AdminClient,
  sources: readonly ReadPage[],
): Promise<readonly LeafFiles[]> => {
  const current = new Date(session.now() * 1_000).getUTCFullYear();
  const found: LeafFiles[] = [];
  for (let year = current; ; year -= 1) {
    const { tree, lines } = await leavesOfYear(sources, year);
    if (tree === undefined && year < current) return found;
    // An owner may have no leaves in a year in which others have some.
    if (lines !== undefined) found.push(lines);
  }
};

type YearLeaves = { readonly tree?: Tree; readonly lines?: LeafFiles };

const leavesOfYear = async (sources: readonly ReadPage[], year: number): Promise<YearLeaves> => {
  const [first] = sources;
  if (first === undefined) return {};
  for (let tried = 0; tried < TRIES; tried += 1) {
    const tree = await signedTree(first, year);
    if (tree === undefined || tree.size === 0) return {};
    const { size, checkpoint } = tree;
    // Absent if the log has signed a larger tree since: ask again for that one.
    if (checkpoint === undefined) continue;
    const lines = inOrder(sources.map((read) => leavesFrom(read, { year, size })));
    const start = await lines.next();
    if (start.done === true) return { tree };
    return { tree, lines: { year, checkpoint, lines: resumed(start.value, lines) } };
  }
  return {};
};

async function* resumed(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}

const signedTree = async (read: ReadPage, year: number): Promise<Tree | undefined> => {
  try {
    return await read({ year });
  } catch (thrown) {
    if (isRefusal(thrown, 'not_found')) return undefined;
    throw thrown;
  }
};

/** All leaves of one source, in trees of one size: their proofs must lead to the one checkpoint. */
async function* leavesFrom(read: ReadPage, range: Range): AsyncGenerator<Leaf> {
  let after: string | undefined;
  do {
    const page = await read({ ...range, ...(after === undefined ? {} : { after }) });
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
