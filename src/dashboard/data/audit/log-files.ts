import { CountersignError, isProblem } from '../../../client/errors.ts';
import type { LeafSource } from '../../../client/leaf-lines.ts';
import { linesOf } from '../../../client/log-lines.ts';
import type { Management } from '../../../client/management.ts';
import { createNamedTexts, type ReadText } from '../../../client/named-texts.ts';
import type { Seconds } from '../../../core/clock.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import type { Entry } from '../../../protocol/entry.ts';
import { readLogOfAccounts, readLogUpTo, readWholeLog } from './log-years.ts';
import type { VerifierJob } from './verifier-job.ts';

/** Entries that a browser verifies, at most. `countersign audit verify` reads files of any size. */
export const MOST_ENTRIES = 50_000;

/** `isCut`: there are more entries than a browser verifies. */
export type LogFiles = { readonly job: VerifierJob; readonly isCut: boolean };

export type LogOptions = {
  /** Whether the export has all accounts of the gateway: then the verifier reads the whole log and recomputes its root. */
  readonly isWhole: boolean;
  readonly now: Seconds;
  readonly signal: AbortSignal;
  readonly onEntries: (entries: number) => void;
};

/**
 * Reads all files that verify the logs of some accounts, as `countersign audit export` writes them. Reads the checkpoint first: the gateway
 * has then stored every entry that it covers.
 */
export const readLogFiles = async (
  management: Management,
  accounts: readonly AccountId[],
  { isWhole, now, signal, onEntries }: LogOptions,
): Promise<LogFiles> => {
  const source: LeafSource = {
    management,
    isWithoutLog: (thrown) => isAbsent(thrown, 'not-found'),
    ...{ now, signal },
  };
  const covered = isWhole ? await readWholeLog(source) : await readLogOfAccounts(source, accounts);
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
  const isCut = count >= MOST_ENTRIES;
  const ends = new Map(listed.map(({ account, last }) => [account, last]));
  const log = isCut ? await readLogUpTo(source, ends) : covered;
  return {
    isCut,
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
