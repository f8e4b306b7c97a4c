import * as z from 'zod/mini';
import { readEntry } from '../../audit/entry-schema.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Entry } from '../../protocol/entry.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { CliError } from '../lib/errors.ts';
import type { TimeRange } from '../lib/time.ts';

/** The log of an account as canonical NDJSON, page by page, from its first entry. */
export const logPages = (admin: AdminClient, account: AccountId): AsyncGenerator<string> =>
  admin.export('account.entries', {
    params: { account },
    query: { format: 'ndjson', limit: 500 },
  });

const atSchema = z.looseObject({ at: z.int() });

/** The lines of a log from the first entry in the range up to the first one after it: without a gap, or the chain would not verify. */
export async function* entriesBetween(
  pages: AsyncIterable<string>,
  { from = 0, to = Number.POSITIVE_INFINITY }: TimeRange,
): AsyncGenerator<string> {
  let begun = false;
  for await (const page of pages) {
    const kept: string[] = [];
    for (const line of page.split('\n').filter((each) => each !== '')) {
      const { at } = z.parse(atSchema, JSON.parse(line));
      if (at >= to) {
        if (kept.length > 0) yield kept.join('');
        return;
      }
      begun ||= at >= from;
      if (begun) kept.push(`${line}\n`);
    }
    if (kept.length > 0) yield kept.join('');
  }
}

/** The lines of pages, which end at line ends. */
export async function* linesOf(pages: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const page of pages) {
    for (const line of page.split('\n')) if (line !== '') yield line;
  }
}

/** The entry of a line that the gateway sent. @throws CliError */
export const entryIn = (line: string): Entry => {
  const read = readEntry(jsonOf(line));
  if (!('field' in read)) return read.entry;
  throw new CliError('The gateway sent an entry that this version cannot read.', {
    hint: 'Update countersign on this machine to the version of the gateway.',
    code: 'answer_malformed',
    details: { field: read.field },
  });
};

const jsonOf = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};
