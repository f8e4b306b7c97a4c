import { entriesBetween } from '../../client/log-lines.ts';
import type { Management } from '../../client/management.ts';
import type { Seconds } from '../../core/clock.ts';

export type Wanted = {
  /** CAIP-10, or `all` for the calls of all accounts. */
  readonly account: string;
  readonly format: 'ndjson' | 'csv';
  /** UTC days, both included. */
  readonly from: string;
  readonly to: string;
};

/** Bytes of an export in a browser, at most. */
const MOST_BYTES = 64 * 1024 * 1024;
const DAY: Seconds = 86_400;

const startOf = (day: string): Seconds => Date.parse(`${day}T00:00:00Z`) / 1000;

/** The parts of an exported file: entries exactly as they were hashed, or calls by the time of their acceptance. */
export const exportedParts = async (
  management: Management,
  { account, format, from, to }: Wanted,
): Promise<readonly string[]> => {
  const range = { from: startOf(from), to: startOf(to) + DAY };
  const parts: string[] = [];
  let size = 0;
  for await (const part of pagesOf(management, account, format, range)) {
    parts.push(part);
    size += part.length;
    if (size > MOST_BYTES) {
      throw new Error('The file is too large for a browser. Use the command below.');
    }
  }
  return parts;
};

const pagesOf = (
  management: Management,
  account: string,
  format: Wanted['format'],
  range: { readonly from: Seconds; readonly to: Seconds },
): AsyncGenerator<string> => {
  const limit = 500;
  if (format === 'csv') {
    const query = { format, limit, ...range };
    return account === 'all'
      ? management.export('calls.list', { query })
      : management.export('account.calls', { params: { account }, query });
  }
  const pages = management.export('account.entries', {
    params: { account },
    query: { format, limit },
  });
  return entriesBetween(pages, range);
};
