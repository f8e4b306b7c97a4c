import type { Seconds } from '../core/clock.ts';
import { type Cell, csvLine } from '../core/csv.ts';
import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { PRIVATE } from '../gateway/answer-headers.ts';
import type { QueryFault } from './page.ts';
import type { Reason } from '../protocol/problem/reason.ts';

export type ReplyResult = Result<Response, Reason>;

export const refuse = (reason: Reason): ReplyResult => err(reason);

/** Answers JSON that only the caller may read or cache (law 10). `etag`: the hash of the document. */
export const reply = <T>(body: T, etag?: Hex): ReplyResult =>
  ok(
    Response.json(body, {
      headers: { ...PRIVATE, ...(etag === undefined ? {} : entityTag(etag)) },
    }),
  );

/** The ETag header for a hash. */
export const entityTag = (hash: Hex): { readonly ETag: string } => ({ ETag: `"${hash}"` });

/** Answers one page of a list that has members besides its items. */
export const replyReport = (
  request: Request,
  body: object,
  next: string | undefined,
): ReplyResult =>
  ok(
    Response.json(
      { ...body, ...(next === undefined ? {} : { next }) },
      { headers: { ...PRIVATE, ...nextLink(request, next) } },
    ),
  );

type Page<T> = {
  readonly items: readonly T[];
  readonly next?: string | undefined;
  /** The time up to which the page is complete. */
  readonly asOf?: Seconds | undefined;
  /** The page was read from the archive. */
  readonly archived?: true | undefined;
};

/** Answers one page of a list. `next`, in the body and as a link, asks for the page after it. */
export const replyPage = <T>(
  request: Request,
  { items, next, asOf, archived }: Page<T>,
): ReplyResult =>
  replyReport(
    request,
    { items, ...asOfMember(asOf), ...(archived === true ? { archived } : {}) },
    next,
  );

/** The member of a page that states its age. */
export const asOfMember = (asOf: Seconds | undefined): { readonly as_of?: Seconds } =>
  asOf === undefined ? {} : { as_of: asOf };

/** Links the next page: the same request with another cursor (RFC 8288). */
const nextLink = (request: Request, next: string | undefined): Readonly<Record<string, string>> => {
  if (next === undefined) return {};
  const url = new URL(request.url);
  url.searchParams.set('after', next);
  return { Link: `<${url.pathname}${url.search}>; rel="next"` };
};

/** Answers text. Not streamed: its length lets a client detect a download that broke off. */
export const replyText = (
  request: Request,
  type: 'application/x-ndjson' | 'text/csv; charset=utf-8',
  text: string,
  { next, asOf, archived }: Omit<Page<never>, 'items'>,
): ReplyResult =>
  ok(
    new Response(text, {
      headers: {
        ...PRIVATE,
        ...nextLink(request, next),
        ...(asOf === undefined ? {} : { 'As-Of': asOf.toString() }),
        ...(archived === true ? { Archived: '?1' } : {}),
        'Content-Type': type,
        // Cells hold strangers' text, which a browser must not render as a page of this origin.
        'X-Content-Type-Options': 'nosniff',
      },
    }),
  );

/** A page of a list that can be exported. */
type Exported<T> = Page<T> & {
  /** The columns of a CSV, in order. */
  readonly columns: readonly (keyof T & string)[];
  readonly cellOf: (item: T, column: keyof T & string) => Cell;
  /** Only the first page has a header line, so that concatenated pages are one file. */
  readonly isFirst: boolean;
};

/** Answers one page of a list in the format of the query. */
export const replyExport = <T>(
  request: Request,
  format: 'json' | 'ndjson' | 'csv',
  { columns, cellOf, isFirst, ...page }: Exported<T>,
): ReplyResult => {
  switch (format) {
    case 'json':
      return replyPage(request, page);
    case 'ndjson': {
      const text = page.items.map((item) => `${JSON.stringify(item)}\n`).join('');
      return replyText(request, 'application/x-ndjson', text, page);
    }
    case 'csv': {
      const head = isFirst ? csvLine(columns) : '';
      const lines = page.items.map((item) => csvLine(columns.map((name) => cellOf(item, name))));
      return replyText(request, 'text/csv; charset=utf-8', head + lines.join(''), page);
    }
  }
};

/** The refusal for a fault of a query. */
export const queryReason = (fault: QueryFault): Reason => {
  switch (fault.kind) {
    case 'bad_cursor':
      return {
        reason: 'malformed_field',
        field: 'query.after',
        hint: 'must be the `next` of a page of this list',
      };
    case 'too_wide':
      return {
        reason: 'malformed_request',
        field: 'query.from',
        hint: 'begins a range with more rows than one report adds up: ask for fewer days',
      };
    case 'day_too_full':
      return {
        reason: 'malformed_request',
        field: 'query.from',
        hint: `the day ${fault.day} has more calls than one report adds up: exclude it`,
      };
    case 'unavailable':
      console.error({ event: 'query_failed', cause: fault.cause });
      return { reason: 'storage_unavailable' };
    case 'archive_unavailable':
      console.error({ event: 'archive_unread', cause: fault.cause });
      return { reason: 'archive_unavailable' };
  }
};
