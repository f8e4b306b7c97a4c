import { CountersignError } from './errors.ts';
import { readCopy, readJsonBody } from './json.ts';
import { type ManagementContext, requestRoute, type RouteRequest } from './management-request.ts';
import { decodeUtf8 } from '../crypto/bytes.ts';
import type { AnswerOf, ItemOf, ListId } from '../management/routes.ts';

/** Routes that export a list as text. */
export type ExportId = 'books' | 'calls.list' | 'account.calls' | 'account.entries';

/** The longest answer, in bytes. */
export const MAX_ANSWER = 32 * 1024 * 1024;

/** Yields every item of a list, and fetches each page when it is needed. */
export async function* itemsOf<Id extends ListId>(
  context: ManagementContext,
  id: Id,
  request: RouteRequest,
): AsyncGenerator<ItemOf<Id>, void, undefined> {
  const advance = cursors();
  let after: string | undefined;
  do {
    const response = await requestRoute(context, id, startingAfter(request, after));
    const page = (await readJsonBody(response, MAX_ANSWER, context.timeoutMs)) as Partial<
      AnswerOf<ListId>
    > | null;
    if (!Array.isArray(page?.items)) throw malformed(response, 'is not a page of a list');
    yield* page.items as ItemOf<Id>[];
    after = advance(response, page.next);
  } while (after !== undefined);
}

const NEXT = /<([^<>]*)>\s*;\s*rel="?next"?/;

/** Yields a list as text, page by page. */
export async function* textsOf(
  context: ManagementContext,
  id: ExportId,
  request: RouteRequest,
): AsyncGenerator<string, void, undefined> {
  const advance = cursors();
  let after: string | undefined;
  do {
    const query = { format: 'ndjson', ...request.query };
    const response = await requestRoute(context, id, startingAfter({ ...request, query }, after));
    const bytes = await readCopy(response, MAX_ANSWER, context.timeoutMs);
    const text = bytes === undefined ? undefined : decodeUtf8(bytes);
    if (text === undefined) throw malformed(response, 'is too long or not UTF-8');
    yield text;
    const [, link] = NEXT.exec(response.headers.get('link') ?? '') ?? [];
    // Only the cursor comes from the link: the server must not choose the URL that the client signs next.
    after = advance(response, link === undefined ? undefined : cursorIn(context.origin, link));
  } while (after !== undefined);
}

/** Follows cursors, and rejects a repeated one: the client would request, and sign for, the same pages without end. */
const cursors = () => {
  const seen = new Set<unknown>();
  return (response: Response, next: unknown): string | undefined => {
    if (next === undefined) return undefined;
    if (typeof next !== 'string' || seen.has(next)) {
      throw malformed(response, 'has a next page that the client has already read');
    }
    seen.add(next);
    return next;
  };
};

const cursorIn = (origin: string, link: string): string | undefined =>
  (URL.canParse(link, origin) && new URL(link, origin).searchParams.get('after')) || undefined;

const startingAfter = (request: RouteRequest, after: string | undefined): RouteRequest =>
  after === undefined ? request : { ...request, query: { ...request.query, after } };

export const malformed = (response: Response, what: string): CountersignError =>
  new CountersignError('answer_malformed', `The answer ${what}.`, { response });
