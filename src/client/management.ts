import { nowSeconds, type Seconds } from '../core/clock.ts';
import { decodeUtf8 } from '../crypto/bytes.ts';
import type { AnswerOf, ItemOf, ListId, RequestOf, RouteId } from '../management/routes.ts';
import { CountersignError } from './errors.ts';
import { readCopy, readJsonBody } from './json.ts';
import { type EntryEvent, eventsOf, type EventsOptions } from './management-events.ts';
import {
  type ManagementContext,
  type Reader,
  requestRoute,
  type RouteRequest,
} from './management-request.ts';
import { addressOf, type Signer } from './signer.ts';
import { sleep } from './transport.ts';

export type { AnswerOf, EntryEvent, EventsOptions, ItemOf, ListId, RequestOf, RouteId };

/** The gateway to manage, and the account that signs the requests. */
export type ManagementOptions = {
  /** Origin of the gateway, e.g. `https://gw.example`. */
  readonly gateway: string;
  /** Signs the requests: an operator, an owner, or an agent for its own account. */
  readonly account: Signer;
  /** Chain of the account that signs. Default: the chain of the account in the request, otherwise the gateway's first chain. */
  readonly chainId?: number;
  /** The origin that the gateway calls itself. Default: the origin of `gateway`. */
  readonly audience?: string;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** The current time in Unix seconds. Default: the system clock. */
  readonly now?: () => Seconds;
  /** Timeout of one attempt, in seconds. Default: 30. */
  readonly timeoutSeconds?: number;
  /** The most repeats of a request whose answer was lost, with the same signature. Default: 4. */
  readonly retries?: number;
  /** Sends reads without a signature by `account` for each one: the dashboard signs them with the key of its session. */
  readonly reader?: Reader;
};

/** The body of a successful answer, and its ETag (RFC 9110 §8.8.3). */
export type Answered<Id extends RouteId> = {
  readonly body: AnswerOf<Id>;
  /** The ETag of the version that the answer shows or has written, for `ifMatch`. */
  readonly etag: string | undefined;
};

type Abortable = { readonly signal?: AbortSignal };
/** `onPage` is called with each page before its items. */
type Paged = { readonly onPage?: (page: PageInfo) => void };
/** Optional if the route needs no parameter. */
type Arguments<R, More = unknown> =
  Record<never, never> extends R
    ? [request?: R & Abortable & More]
    : [request: R & Abortable & More];

/** The metadata of a page of a list. `asOf`: Unix seconds; the page shows everything that is older (docs/management.md §5). */
export type PageInfo = { readonly asOf?: Seconds };

/** The management API of a gateway (docs/management.md). The client signs every request for itself alone. */
export type Management = {
  /**
   * Sends one request. After `command_lost` without a `problem`, the same request sends the same signature again: the gateway carries it
   * out at most once. With a `problem` the command is over: read the stored state before you sign it again.
   *
   * @throws CountersignError `refused` with the gateway's `problem`; `command_lost` if a command got no answer
   */
  call<Id extends Exclude<RouteId, 'account.events'>>(
    id: Id,
    ...request: Arguments<RequestOf<Id>>
  ): Promise<Answered<Id>>;
  /**
   * Yields every item of a list, and fetches each page when it is needed.
   *
   * @throws CountersignError like `call`; `answer_malformed`
   */
  list<Id extends ListId>(
    id: Id,
    ...request: Arguments<RequestOf<Id>, Paged>
  ): AsyncGenerator<ItemOf<Id>>;
  /**
   * Yields a list as text in the `format` of the query, NDJSON by default, page by page. The pages together are one file.
   *
   * @throws CountersignError like `call`; `answer_malformed`
   */
  export<Id extends ExportId>(id: Id, ...request: Arguments<RequestOf<Id>>): AsyncGenerator<string>;
  /**
   * Yields the log entries of an account (CAIP-10) as it writes them, until the caller stops. Reconnects by itself.
   *
   * @throws CountersignError `refused` if the gateway refuses permanently; the reason of the caller's own abort signal
   */
  events(account: string, options?: EventsOptions): AsyncGenerator<EntryEvent>;
};

/** Creates a client of the management API. @throws CountersignError `options_invalid`, which names the option */
export const createManagement = (options: ManagementOptions): Management => {
  const context = contextOf(options);
  return {
    call: async (id, ...[request = {}]) => {
      const response = await requestRoute(context, id, request as RouteRequest);
      const body = await readJsonBody(response, MAX_ANSWER, context.timeoutMs);
      if (body === undefined) throw malformed(response, 'is not JSON');
      return { body: body as never, etag: response.headers.get('etag') ?? undefined };
    },
    list: (id, ...[request = {}]) => itemsOf(context, id, request as RouteRequest & Paged),
    export: (id, ...[request = {}]) => textsOf(context, id, request as RouteRequest),
    events: (account, eventsOptions = {}) => eventsOf(context, account, eventsOptions),
  };
};

const contextOf = (options: ManagementOptions): ManagementContext => {
  const { gateway, account, chainId, timeoutSeconds = 30, retries = 4 } = options;
  addressOf(account);
  if (!URL.canParse(gateway)) throw invalid('gateway must be an origin');
  const { origin } = new URL(gateway);
  for (const [name, value] of Object.entries({ chainId, timeoutSeconds, retries })) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue;
    throw invalid(`${name} must be a whole number`);
  }
  return {
    signer: account,
    origin,
    audience: options.audience ?? origin,
    chainId,
    first: {},
    lost: new Map(),
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    hooks: {},
    now: options.now ?? nowSeconds,
    sleep,
    timeoutMs: timeoutSeconds * 1000,
    retries,
    reader: options.reader,
  };
};

const invalid = (text: string): CountersignError => new CountersignError('options_invalid', text);

/** Routes that export a list as text. */
type ExportId = 'books' | 'calls.list' | 'account.calls' | 'account.entries';

/** The longest answer, in bytes. */
const MAX_ANSWER = 32 * 1024 * 1024;

/** Yields every item of a list, and fetches each page when it is needed. */
async function* itemsOf<Id extends ListId>(
  context: ManagementContext,
  id: Id,
  { onPage, ...request }: RouteRequest & Paged,
): AsyncGenerator<ItemOf<Id>, void, undefined> {
  const advance = cursors();
  let after: string | undefined;
  do {
    const response = await requestRoute(context, id, startingAfter(request, after));
    const page = (await readJsonBody(response, MAX_ANSWER, context.timeoutMs)) as Readonly<
      Record<'items' | 'next' | 'as_of', unknown>
    > | null;
    if (!Array.isArray(page?.items)) throw malformed(response, 'is not a page of a list');
    onPage?.(Number.isSafeInteger(page.as_of) ? { asOf: Number(page.as_of) } : {});
    yield* page.items as ItemOf<Id>[];
    after = advance(response, page.next);
  } while (after !== undefined);
}

/** Yields a list as text, page by page. */
async function* textsOf(
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

const NEXT = /<([^<>]*)>\s*;\s*rel="?next"?/;

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

const malformed = (response: Response, what: string): CountersignError =>
  new CountersignError('answer_malformed', `The answer ${what}.`, { response });
