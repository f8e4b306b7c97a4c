import { dayOf } from '../audit/day.ts';
import type { Seconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import { PRIVATE } from '../gateway/answer-headers.ts';
import type { ReplyResult } from './reply.ts';

/**
 * Answers a read of the log with its ETag, or with 304 and one row of D1 if the reader already has that answer.
 *
 * Race: the tag is read before the answer, so data stored in between make the answer newer than its tag, never older.
 */
export const unlessUnchanged = async (
  db: D1Database,
  headers: Headers,
  now: Seconds,
  answer: () => Promise<ReplyResult>,
): Promise<ReplyResult> => {
  const tag = await tagOf(db);
  if (tag === undefined) return answer();
  // Reports are by UTC day: after midnight the same rows give different totals. Weak, because `as_of` may differ (RFC 9110 §8.8.1).
  const etag = `W/"${dayOf(now)}.${tag}"`;
  if (headers.get('If-None-Match') === etag) {
    return ok(new Response(null, { status: 304, headers: { ...PRIVATE, ETag: etag } }));
  }
  const answered = await answer();
  if (answered.ok) answered.value.headers.set('ETag', etag);
  return answered;
};

type TagRow = { readonly tag: string | null };

/** The tag of the present state of all lists, which the first reader after a change creates. Undefined if D1 does not answer. */
const tagOf = async (db: D1Database): Promise<string | undefined> => {
  try {
    const known = await db.prepare('SELECT tag FROM log_tag WHERE id = 1').first<TagRow>();
    if (known?.tag) return known.tag;
    const named = await db
      .prepare('UPDATE log_tag SET tag = coalesce(tag, ?1) WHERE id = 1 RETURNING tag')
      .bind(crypto.randomUUID())
      .first<TagRow>();
    return named?.tag ?? undefined;
  } catch (cause) {
    console.error({ event: 'log_tag_unread', cause: String(cause) });
    return undefined;
  }
};
