import type { Hex } from '../core/hex.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { QueryFault } from './page.ts';
import { PRIVATE } from '../gateway/answer-headers.ts';
import { entityTag } from './precondition.ts';

export type Replied = Result<Response, Reason>;

/** JSON for whoever asked, and nobody else (law 10). `etag`: hash of what it shows. */
export const reply = <T>(body: T, etag?: Hex): Replied =>
  ok(
    Response.json(body, {
      headers: { ...PRIVATE, ...(etag === undefined ? {} : entityTag(etag)) },
    }),
  );

/** Where a list goes on: the same request with another place (RFC 8288). */
export const nextLink = (
  request: Request,
  next: string | undefined,
): Readonly<Record<string, string>> => {
  if (next === undefined) return {};
  const url = new URL(request.url);
  url.searchParams.set('after', next);
  return { Link: `<${url.pathname}${url.search}>; rel="next"` };
};

/** A page of a list: `next`, in the body and as a link, asks for the one after it. */
export const replyPage = <T>(
  request: Request,
  page: { readonly items: readonly T[]; readonly next?: string | undefined },
): Replied =>
  ok(
    Response.json(
      { items: page.items, ...(page.next === undefined ? {} : { next: page.next }) },
      { headers: { ...PRIVATE, ...nextLink(request, page.next) } },
    ),
  );

/** Text in the format that was asked for. Whole, so that its length tells a download that broke off. */
export const replyText = (
  request: Request,
  type: 'application/x-ndjson' | 'text/csv; charset=utf-8',
  text: string,
  next: string | undefined,
): Replied =>
  ok(
    new Response(text, {
      headers: {
        ...PRIVATE,
        ...nextLink(request, next),
        'Content-Type': type,
        // Cells hold what strangers wrote: nothing of it may be taken for a page of this origin.
        'X-Content-Type-Options': 'nosniff',
      },
    }),
  );

/** A fault of a query of the database. */
export const queryReason = (fault: QueryFault): Reason => {
  switch (fault.kind) {
    case 'bad_cursor':
      return {
        reason: 'malformed_field',
        field: 'query.after',
        hint: 'must be the `next` of a page of this very list',
      };
    case 'too_wide':
      return {
        reason: 'malformed_request',
        field: 'query.from',
        hint: 'is too long ago for one report: ask for fewer days',
      };
    case 'day_too_full':
      return {
        reason: 'malformed_request',
        field: 'query.from',
        hint: `the day ${fault.day} has more calls than one report adds up: leave it out`,
      };
    case 'unavailable':
      console.error({ event: 'query_failed', cause: fault.cause });
      return { reason: 'storage_unavailable' };
  }
};

export const refuse = (reason: Reason): Replied => err(reason);

/** Without the members that are undefined: an answer's schema knows them as left out only. */
export const present = <T extends object>(
  members: T,
): { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
} =>
  Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as ReturnType<typeof present<T>>;
