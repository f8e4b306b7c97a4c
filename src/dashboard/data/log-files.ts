import { CountersignError, isProblem } from '../../client/errors.ts';
import { linesOf } from '../../client/log-lines.ts';
import type { Management } from '../../client/management.ts';
import { createNamedTexts, type ReadText } from '../../client/named-texts.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Entry } from '../../protocol/entry.ts';
import { logKeysOf } from './public-text.ts';
import type { VerifierJob } from './verifier-job.ts';

/** Entries that a browser verifies, at most. `countersign audit verify` reads files of any size. */
export const MOST_ENTRIES = 50_000;

/** `isCut`: there are more entries than a browser verifies. */
export type LogFiles = { readonly job: VerifierJob; readonly isCut: boolean };

export type LogOptions = {
  /** Whether they are all accounts of the gateway: then the whole log is read and its root recomputed. */
  readonly isWhole: boolean;
  readonly signal: AbortSignal;
  readonly onEntries: (entries: number) => void;
};

/**
 * Reads everything that verifies some accounts' logs, as `countersign audit export` writes it. The checkpoint comes first: the gateway has
 * stored every entry that it covers by then.
 */
export const readLogFiles = async (
  management: Management,
  accounts: readonly AccountId[],
  { isWhole, signal, onEntries }: LogOptions,
): Promise<LogFiles> => {
  const log = await readLeaves(management, isWhole ? 'all' : accounts, signal);
  const texts = createNamedTexts(textReader(management));
  const entries: VerifierJob['entries'][number][] = [];
  const listed: NonNullable<VerifierJob['listed']>[number][] = [];
  let count = 0;
  for (const account of accounts) {
    const lines: string[] = [];
    const query = { format: 'ndjson', limit: 500 } as const;
    const pages = management.export('account.entries', { params: { account }, query, signal });
    let seqs: readonly [first: number, last: number] | undefined;
    for await (const line of linesOf(pages)) {
      const entry = JSON.parse(line) as Entry;
      texts.see(entry);
      seqs = [seqs?.[0] ?? entry.seq, entry.seq];
      lines.push(`${line}\n`);
      count += 1;
      if (count % 500 === 0) onEntries(count);
      if (count >= MOST_ENTRIES) break;
    }
    // An account that has decided nothing has no log.
    if (seqs === undefined) continue;
    const [first, last] = seqs;
    entries.push({ name: account, blob: new Blob(lines) });
    listed.push({ account, first, last });
    if (count >= MOST_ENTRIES) break;
  }
  onEntries(count);
  const named: string[] = [];
  for await (const line of texts.lines()) named.push(line);
  return {
    isCut: count >= MOST_ENTRIES,
    job: { entries, listed, texts: new Blob(named), ...(log === undefined ? {} : { log }) },
  };
};

const isAbsent = (thrown: unknown, name: string): boolean =>
  thrown instanceof CountersignError && isProblem(thrown.problem, name);

const textReader =
  (management: Management): ReadText =>
  async (account, text) => {
    try {
      return (await management.call('account.text', { params: { account, text } })).body.text;
    } catch (thrown) {
      if (isAbsent(thrown, 'unknown-document')) return undefined;
      throw thrown;
    }
  };

type LeafPage = {
  readonly origin: string;
  readonly size: number;
  readonly checkpoint?: string;
  readonly items: readonly { readonly index: number }[];
  readonly next?: string;
};
type Query = { readonly size?: number; readonly after?: string };

/** How often to begin again, if the log signs a larger tree between two requests. */
const TRIES = 3;

/** The leaves of accounts in one tree, in the order of the log, and its checkpoint; undefined without a log. */
const readLeaves = async (
  management: Management,
  accounts: readonly AccountId[] | 'all',
  signal: AbortSignal,
): Promise<VerifierJob['log']> => {
  const sources =
    accounts === 'all'
      ? [
          async (query: Query): Promise<LeafPage> =>
            (await management.call('log.leaves', { query: { limit: 500, ...query }, signal })).body,
        ]
      : accounts.map((account) => async (query: Query): Promise<LeafPage> => {
          const request = { params: { account }, query: { limit: 100, ...query }, signal };
          return (await management.call('account.leaves', request)).body;
        });
  const [first] = sources;
  if (first === undefined) return undefined;
  for (let tried = 0; tried < TRIES; tried += 1) {
    let tree: LeafPage;
    try {
      tree = await first({});
    } catch (thrown) {
      if (isAbsent(thrown, 'not-found')) return undefined;
      throw thrown;
    }
    const { origin, size, checkpoint } = tree;
    if (size === 0) return undefined;
    if (checkpoint === undefined) continue;
    const keys = await logKeysOf(origin);
    if (keys === undefined) return undefined;
    const leaves: LeafPage['items'][number][] = [];
    for (const read of sources) {
      let after: string | undefined;
      do {
        const page = await read({ size, ...(after === undefined ? {} : { after }) });
        leaves.push(...page.items);
        after = page.next;
      } while (after !== undefined);
    }
    const lines = leaves
      .toSorted((one, other) => one.index - other.index)
      .map((leaf) => `${JSON.stringify(leaf)}\n`);
    return { leaves: new Blob(lines), checkpoint, keys };
  }
  return undefined;
};
