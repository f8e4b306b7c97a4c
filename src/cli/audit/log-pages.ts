import { readEntry } from '../../audit/entry-schema.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Entry } from '../../protocol/entry.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { CliError } from '../lib/errors.ts';

/** The log of an account as canonical NDJSON, page by page, from its first entry. */
export const logPages = (admin: AdminClient, account: AccountId): AsyncGenerator<string> =>
  admin.export('account.entries', {
    params: { account },
    query: { format: 'ndjson', limit: 500 },
  });

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
