import type { Seconds } from '../core/clock.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { FIRST_YEAR } from '../protocol/audit-log-contract.ts';
import type { Management } from './management.ts';

type Leaf = { readonly index: number; readonly leaf: string; readonly proof?: readonly string[] };

/** The leaves of one tree: its signed checkpoint, and a line of `leaves.ndjson` for each leaf, in the order of the log. */
export type LeafFiles = {
  readonly year: number;
  readonly checkpoint: string;
  readonly lines: AsyncIterable<string>;
  /**
   * A line of `heads.ndjson` for each account, with the proof of its newest leaf. Empty for an export of all leaves, which need no such
   * proof.
   */
  readonly heads: readonly string[];
};

/** The source of leaves. */
export type LeafSource = {
  readonly management: Pick<Management, 'call'>;
  /** Whether an error of `management` says that the gateway keeps no log. */
  readonly isWithoutLog: (thrown: unknown) => boolean;
  readonly now: Seconds;
  readonly signal?: AbortSignal;
};

type Tree = { readonly size: number; readonly checkpoint?: string };
type Head = {
  readonly frame: readonly Leaf[];
  readonly slot?: string;
  readonly path?: readonly string[];
};
type Page = Tree & {
  readonly items: readonly Leaf[];
  readonly head?: Head;
  readonly next?: string;
};
type Range = { readonly year: number; readonly size?: number; readonly after?: string };
type ReadPage = (range: Range) => Promise<Page>;
/** `account`: absent for the leaves of all accounts. */
type Reader = { readonly account?: AccountId; readonly read: ReadPage };

/**
 * All leaves of each year, for an operator; the newest year first.
 *
 * @returns nothing if the gateway has no log, or none that it has signed
 * @throws what `management.call` throws
 */
export const allLeaves = async (source: LeafSource): Promise<readonly LeafFiles[]> => {
  const { management, signal } = source;
  const read: ReadPage = async (range) => {
    const query = { limit: 500, ...range };
    return (await management.call('log.leaves', { query, ...(signal && { signal }) })).body;
  };
  return await leafFiles(source, [{ read }]);
};

/** The leaves of some accounts, each with its proof in the tree of the checkpoint of its year; the newest year first. @throws like `allLeaves` */
export const leavesOfAccounts = async (
  source: LeafSource,
  accounts: readonly AccountId[],
): Promise<readonly LeafFiles[]> => {
  const { management, signal } = source;
  const read =
    (account: AccountId): ReadPage =>
    async (range) => {
      const query = { limit: 100, ...range };
      const request = { params: { account }, query, ...(signal && { signal }) };
      return (await management.call('account.leaves', request)).body;
    };
  return await leafFiles(
    source,
    accounts.map((account) => ({ account, read: read(account) })),
  );
};

/**
 * The years of a log, back to the first one. A year's log continues the log of the year before only if the latter has leaves, so
 * an empty year ends the list; the current year may have none yet. Reads the newest year first: its first leaf names a tree of the year
 * before, which must not be larger than the tree that is then read of that year.
 */
const leafFiles = async (
  source: LeafSource,
  readers: readonly Reader[],
): Promise<readonly LeafFiles[]> => {
  const current = new Date(source.now * 1_000).getUTCFullYear();
  const found: LeafFiles[] = [];
  // Attack: a gateway names a log for every year back to year 0, and the export never ends.
  for (let year = current; year >= FIRST_YEAR; year -= 1) {
    const { isEmpty, files } = await leavesOfYear(source, readers, year);
    if (isEmpty && year < current) break;
    if (files !== undefined) found.push(files);
  }
  return found;
};

/** `files`: also absent if a year has only leaves of other accounts, and no proof of that. */
type YearLeaves = { readonly isEmpty: boolean; readonly files?: LeafFiles };

const leavesOfYear = async (
  source: LeafSource,
  readers: readonly Reader[],
  year: number,
): Promise<YearLeaves> => {
  const [first] = readers;
  const tree = first && (await signedTree(source, first.read, year));
  if (tree?.checkpoint === undefined) return { isEmpty: true };
  const { size, checkpoint } = tree;
  const heads: string[] = [];
  let frame: readonly Leaf[] = [];
  const sources = readers.map(({ account, read }) =>
    leavesFrom(read, { year, size }, (head) => {
      const { slot, path } = head;
      ({ frame } = head);
      // No log has a leaf of the account: it began later, or its first chunk has not arrived.
      if (slot !== undefined) heads.push(`${JSON.stringify({ account, slot, path })}\n`);
    }),
  );
  const lines = inOrder(sources);
  // Reads the first page of each account, and with it the heads.
  const start = await lines.next();
  if (start.done === true && frame.length === 0) return { isEmpty: false };
  const own = start.done === true ? [] : resumed(start.value, lines);
  return { isEmpty: false, files: { year, checkpoint, heads, lines: framed(own, frame, size) } };
};

async function* resumed(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}

/** The leaves of some accounts, between the first and the last leaf of their tree. */
async function* framed(
  lines: AsyncIterable<string> | readonly string[],
  frame: readonly Leaf[],
  size: number,
): AsyncGenerator<string> {
  const isLast = ({ index }: Leaf): boolean => index === size - 1;
  yield* frame.filter((leaf) => !isLast(leaf)).map(lineOf);
  yield* lines;
  yield* frame.filter(isLast).map(lineOf);
}

const lineOf = ({ index, leaf, proof }: Leaf): string =>
  `${JSON.stringify({ index, leaf, ...(proof === undefined ? {} : { proof }) })}\n`;

const signedTree = async (
  { isWithoutLog }: LeafSource,
  read: ReadPage,
  year: number,
): Promise<Tree | undefined> => {
  try {
    return await read({ year });
  } catch (thrown) {
    if (isWithoutLog(thrown)) return undefined;
    throw thrown;
  }
};

/** All leaves of one source. Every page must have the same tree size, because all proofs must lead to one checkpoint. */
async function* leavesFrom(
  read: ReadPage,
  range: Range,
  onHead: (head: Head) => void,
): AsyncGenerator<Leaf> {
  let after: string | undefined;
  do {
    const page = await read({ ...range, ...(after === undefined ? {} : { after }) });
    if (after === undefined && page.head !== undefined) onHead(page.head);
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
    yield lineOf(least.leaf);
    const source = sources[least.at];
    if (source === undefined) return;
    heads[least.at] = await source.next();
  }
}
