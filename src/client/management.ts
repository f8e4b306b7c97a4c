import { nowSeconds, type Seconds } from '../core/clock.ts';
import type { RouteId } from '../management/routes.ts';
import type { AnswerOf, ItemOf, ListId, RequestOf } from '../management/types.ts';
import { sleep } from './context.ts';
import { decodeUtf8 } from '../crypto/bytes.ts';
import { CountersignError } from './errors.ts';
import { readCopy, readJsonBody } from './json.ts';
import { type EntryEvent, eventsOf, type EventsOptions } from './management-events.ts';
import type { Written } from './management-request.ts';
import { type Desk, sendFor } from './management-send.ts';
import { addressOf, type Signer } from './signer.ts';

export type { AnswerOf, EntryEvent, EventsOptions, ItemOf, ListId, RequestOf, RouteId };

export type ManagementOptions = {
  /** Origin of the gateway. */
  readonly gateway: string;
  /** Who asks: an operator, an owner, or an agent about itself. */
  readonly account: Signer;
  /** Chain of the account that asks. Absent: that of the account asked about, else the gateway's first. */
  readonly chainId?: number;
  /** What the gateway calls itself, where that is not its address. */
  readonly audience?: string;
  readonly fetch?: typeof globalThis.fetch;
  /** Unix seconds. */
  readonly now?: () => Seconds;
  /** For each attempt to get an answer; 30. */
  readonly timeoutSeconds?: number;
  /** How often a lost answer is asked for again, with the same signature; 4. */
  readonly retries?: number;
};

/** An answer, with the ETag of what it shows or has written. */
export type Answered<Id extends RouteId> = {
  readonly body: AnswerOf<Id>;
  readonly etag: string | undefined;
};

type More = { readonly signal?: AbortSignal };
type Given<R> = Record<never, never> extends R ? [request?: R & More] : [request: R & More];

/** Routes that export, and in what. */
type ExportId = 'books' | 'calls.list' | 'account.calls' | 'account.entries';

/** The management API of a gateway (docs/management.md). Every request is signed for itself alone. */
export type Management = {
  /** One request. @throws CountersignError `refused` with the gateway's `problem`, and others */
  call<Id extends Exclude<RouteId, 'account.events'>>(
    id: Id,
    ...request: Given<RequestOf<Id>>
  ): Promise<Answered<Id>>;
  /** Everything on a list, page by page, each as it is needed. */
  list<Id extends ListId>(id: Id, ...request: Given<RequestOf<Id>>): AsyncGenerator<ItemOf<Id>>;
  /** A list as text in the `format` of the query, NDJSON by default, page by page: put together they are one file. */
  export<Id extends ExportId>(id: Id, ...request: Given<RequestOf<Id>>): AsyncGenerator<string>;
  /** The log of an account as it grows, for as long as it is asked for. */
  events(account: string, options?: EventsOptions): AsyncGenerator<EntryEvent>;
};

const MAX_ANSWER = 32 * 1024 * 1024;

/** @throws CountersignError `options_invalid`, which names the option */
export const createManagement = (options: ManagementOptions): Management => {
  const desk = deskOf(options);
  return {
    call: async (id, ...[request = {}]) => {
      const response = await sendFor(desk, id, request as Written);
      const body = await readJsonBody(response, MAX_ANSWER, desk.timeoutMs);
      if (body === undefined) throw malformed(response, 'is not JSON');
      return { body: body as never, etag: response.headers.get('etag') ?? undefined };
    },
    list: (id, ...[request = {}]) => itemsOf(desk, id, request as Written),
    export: (id, ...[request = {}]) => textsOf(desk, id, request as Written),
    events: (account, more = {}) => eventsOf(desk, account, more),
  };
};

const deskOf = (options: ManagementOptions): Desk => {
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
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    hooks: {},
    now: options.now ?? nowSeconds,
    sleep,
    timeoutMs: timeoutSeconds * 1000,
    retries,
  };
};

async function* itemsOf<Id extends ListId>(
  desk: Desk,
  id: Id,
  request: Written,
): AsyncGenerator<ItemOf<Id>, void, undefined> {
  const onwards = wayThrough();
  let after: string | undefined;
  do {
    const response = await sendFor(desk, id, onFrom(request, after));
    const page = (await readJsonBody(response, MAX_ANSWER, desk.timeoutMs)) as Partial<
      AnswerOf<ListId>
    > | null;
    if (!Array.isArray(page?.items)) throw malformed(response, 'is no page');
    yield* page.items as ItemOf<Id>[];
    after = onwards(response, page.next);
  } while (after !== undefined);
}

/** Where a list goes on. One that comes back to where it was would be read, and signed for, for ever. */
const wayThrough = () => {
  const seen = new Set<unknown>();
  return (response: Response, next: unknown): string | undefined => {
    if (next === undefined) return undefined;
    if (typeof next !== 'string' || seen.has(next)) throw malformed(response, 'goes nowhere');
    seen.add(next);
    return next;
  };
};

const NEXT = /<([^<>]*)>\s*;\s*rel="?next"?/;

async function* textsOf(
  desk: Desk,
  id: ExportId,
  request: Written,
): AsyncGenerator<string, void, undefined> {
  const onwards = wayThrough();
  let after: string | undefined;
  do {
    const query = { format: 'ndjson', ...request.query };
    const response = await sendFor(desk, id, onFrom({ ...request, query }, after));
    const bytes = await readCopy(response, MAX_ANSWER, desk.timeoutMs);
    const text = bytes === undefined ? undefined : decodeUtf8(bytes);
    if (text === undefined) throw malformed(response, 'is too long, or no text');
    yield text;
    const [, link] = NEXT.exec(response.headers.get('link') ?? '') ?? [];
    // Only where it goes on is taken from the link: the request is the caller's own.
    after = onwards(response, link === undefined ? undefined : placeIn(desk.origin, link));
  } while (after !== undefined);
}

const placeIn = (origin: string, link: string): string | undefined =>
  (URL.canParse(link, origin) && new URL(link, origin).searchParams.get('after')) || undefined;

const onFrom = (request: Written, after: string | undefined): Written =>
  after === undefined ? request : { ...request, query: { ...request.query, after } };

const invalid = (text: string): CountersignError => new CountersignError('options_invalid', text);

const malformed = (response: Response, what: string): CountersignError =>
  new CountersignError('answer_malformed', `The answer ${what}.`, { response });
