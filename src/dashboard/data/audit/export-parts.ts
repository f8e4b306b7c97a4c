import { entriesBetween } from '../../../client/log-lines.ts';
import type { Management } from '../../../client/management.ts';
import type { Seconds } from '../../../core/clock.ts';
import { type Period, secondsOf } from '../../format/period.ts';

export type ExportOptions = Period & {
  /** CAIP-10: one account for its entries, several accounts for their calls; `all` for the calls of all accounts of the gateway. */
  readonly accounts: readonly string[] | 'all';
  readonly format: 'ndjson' | 'csv';
};

/** Bytes of an export in a browser, at most. */
const MOST_BYTES = 64 * 1024 * 1024;

/** The parts of an exported file: entries exactly as they were hashed, or calls by the time of their acceptance. */
export const exportedParts = async (
  management: Management,
  { accounts, format, ...period }: ExportOptions,
): Promise<readonly string[]> => {
  const [from, to] = secondsOf(period);
  const parts: string[] = [];
  let size = 0;
  for await (const part of pagesOf(management, accounts, format, { from, to })) {
    parts.push(part);
    size += part.length;
    if (size > MOST_BYTES) {
      throw new Error('The file is too large for a browser. Use the command below.');
    }
  }
  return parts;
};

type Range = { readonly from: Seconds; readonly to: Seconds };

const LIMIT = 500;

async function* pagesOf(
  management: Management,
  accounts: ExportOptions['accounts'],
  format: ExportOptions['format'],
  range: Range,
): AsyncGenerator<string> {
  if (accounts === 'all') {
    yield* management.export('calls.list', { query: { format: 'csv', limit: LIMIT, ...range } });
  } else if (format === 'csv') {
    yield* callsOf(management, accounts, range);
  } else {
    for (const account of accounts) {
      const query = { format, limit: LIMIT };
      const pages = management.export('account.entries', { params: { account }, query });
      yield* entriesBetween(pages, range);
    }
  }
}

/** The calls of some accounts as one table: only the first part has the column names. */
async function* callsOf(
  management: Management,
  accounts: readonly string[],
  range: Range,
): AsyncGenerator<string> {
  const query = { format: 'csv' as const, limit: LIMIT, ...range };
  for (const [at, account] of accounts.entries()) {
    let hasHeads = at > 0;
    for await (const page of management.export('account.calls', { params: { account }, query })) {
      yield hasHeads ? page.slice(page.indexOf('\n') + 1) : page;
      hasHeads = false;
    }
  }
}
