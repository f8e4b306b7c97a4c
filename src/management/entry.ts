import { archiveBucket } from '../config/optional-bindings.ts';
import { entryText } from '../audit/entry.ts';
import { publishedText, seqOfText } from '../audit/published-texts.ts';
import { gatewayAccount } from '../config/config.ts';
import { nowSeconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import { PRIVATE } from '../gateway/answer-headers.ts';
import { asOf } from './as-of.ts';
import { listEntries } from './entry-list.ts';
import type { ENTRY_ROUTES } from './entry.route.ts';
import { eventStream } from './event-stream.ts';
import type { Handler, Handlers } from './handler.ts';
import { attempt } from './page.ts';
import { queryReason, refuse, reply, replyPage, replyText } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import type { Entry } from '../protocol/entry.ts';
import type { EntryType } from '../protocol/log/entry-types.ts';

const SEQ = /^(0|[1-9][0-9]{0,14})$/;

/** Lists an account's log, oldest first. NDJSON lines are the hashed bytes, so that an export can be verified offline (law 11). */
const list: Handler<'account.entries'> = async ({ context, params, query, request, now }) => {
  const { after, limit, format = 'json', ...filter } = query;
  if (after !== undefined && !SEQ.test(after)) return refuse(queryReason({ kind: 'bad_cursor' }));
  const [filtered] = Object.keys(filter);
  if (format === 'ndjson' && filtered !== undefined) {
    // An export with gaps has no chain to verify.
    return refuse({
      reason: 'malformed_request',
      field: `query.${filtered}`,
      hint: 'is supported for JSON only: an exported log has every entry',
    });
  }
  const complete = await asOf(context, params.account, now);
  const found = await listEntries(
    context.db,
    params.account,
    {
      ...filter,
      type: filter.type as EntryType | undefined,
      ...{ limit, after: after === undefined ? undefined : Number(after) },
    },
    archiveBucket(context.env),
  );
  if (!found.ok) return refuse(queryReason(found.error));
  const { items, archived } = found.value;
  const next = found.value.next?.toString();
  return format === 'json'
    ? replyPage(request, { items, next, asOf: complete, archived })
    : replyText(request, 'application/x-ndjson', logOf(items), { next, asOf: complete, archived });
};

const logOf = (entries: readonly Entry[]): string =>
  entries.map((entry) => `${entryText(entry)}\n`).join('');

/**
 * The gateway publishes its texts in its own log, which owners may not read. A reader who knows the hash of a text has it from an entry
 * that the text bound.
 */
const text: Handler<'account.text'> = async ({ context, params }) => {
  const { db, config, env } = context;
  const gateway = gatewayAccount(config);
  const found = await attempt(async () => {
    const seq = await seqOfText(db, gateway, params.text);
    if (seq === undefined) return ok(undefined);
    const page = await listEntries(db, gateway, { after: seq - 1, limit: 1 }, archiveBucket(env));
    return page.ok ? ok(page.value.items.find((each) => each.seq === seq)) : page;
  });
  if (!found.ok) return refuse(queryReason(found.error));
  const entry = found.value;
  const published = entry === undefined ? undefined : publishedText(entry);
  if (published === undefined) return refuse({ reason: 'unknown_document', what: 'text' });
  const answer = { hash: params.text, text: published as AnswerOf<'account.text'>['text'] };
  return reply<AnswerOf<'account.text'>>(answer);
};

const LAST_EVENT_ID = 'Last-Event-ID';

/** Streams an account's log as it grows. A reconnecting client continues after its last entry; a new one starts with the next entry, or with the newest ones that it asks for. */
const follow: Handler<'account.events'> = async ({ context, by, params, query, request }) => {
  const last = request.headers.get(LAST_EVENT_ID);
  if (last !== null && !SEQ.test(last)) {
    const hint = 'must be the id of an event of this stream';
    return refuse({ reason: 'malformed_request', field: 'last-event-id', hint });
  }
  // A seq that no chain reaches means only new entries. A negative seq counts from the head.
  const { newest = 0 } = query;
  const begin = newest === 0 ? Number.MAX_SAFE_INTEGER : -newest;
  const after = last === null ? (query.after ?? begin) : Number(last);
  const stream = eventStream(
    context,
    params.account,
    by.account,
    after,
    request.signal,
    nowSeconds,
  );
  return ok(
    new Response(stream, {
      headers: { ...PRIVATE, 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' },
    }),
  );
};

export const entryHandlers: Handlers<keyof typeof ENTRY_ROUTES> = {
  'account.entries': list,
  'account.text': text,
  'account.events': follow,
};
