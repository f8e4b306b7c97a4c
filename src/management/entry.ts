import { entryText } from '../audit/entry.ts';
import { type Entry, type EntryType } from '../protocol/entry.ts';
import { listEntries } from './entry-query.ts';
import type { Handler } from './handler.ts';
import { queryReason, refuse, replyPage, replyText } from './reply.ts';

/** Its cursor is a place in the chain: the seq after which to go on. */
const SEQ = /^(0|[1-9][0-9]{0,14})$/;

/** An account's log, oldest first. As NDJSON it is the text that was hashed, so that it can be verified offline (law 11). */
export const list: Handler<'account.entries'> = async ({ context, params, query, request }) => {
  const { after, limit, type, format = 'json' } = query;
  if (after !== undefined && !SEQ.test(after)) return refuse(queryReason({ kind: 'bad_cursor' }));
  if (format === 'ndjson' && type !== undefined) {
    // With gaps there would be no chain to verify.
    return refuse({
      reason: 'malformed_request',
      field: 'query.type',
      hint: 'is for JSON only: an exported log holds every entry',
    });
  }
  const found = await listEntries(context.db, params.account, {
    limit,
    ...(after === undefined ? {} : { after: Number(after) }),
    ...(type === undefined ? {} : { type: type as EntryType }),
  });
  if (!found.ok) return refuse(queryReason(found.error));
  const { items } = found.value;
  const next = found.value.next?.toString();
  return format === 'json'
    ? replyPage(request, { items, next })
    : replyText(request, 'application/x-ndjson', logOf(items), next);
};

const logOf = (entries: readonly Entry[]): string =>
  entries.map((entry) => `${entryText(entry)}\n`).join('');
