import type { Seconds } from '../core/clock.ts';
import type { AnswerOf } from '../management/routes.ts';
import { CountersignError } from './errors.ts';
import { readJson } from './json.ts';
import { type ManagementContext, requestRoute } from './management-request.ts';
import { race } from './transport.ts';

/** An entry of an account's log (docs/wire-format.md §15). Amounts in atomic units as decimal strings, times in Unix seconds. */
export type EntryEvent = AnswerOf<'account.events'>;

/** The start of a feed of log entries, and the signal that ends it. */
export type EventsOptions = {
  /** Resume after the entry with this sequence number (`seq`). Default: only entries from now on. */
  readonly after?: number;
  /** Without `after`: begin with so many of the newest entries. */
  readonly newest?: number;
  /** Aborting ends the feed with the signal's reason. */
  readonly signal?: AbortSignal;
};

/** The gateway sends at least a comment every 15 s; a connection that stays silent longer is dead. */
const SILENCE_MS = 45_000;
/** A feed that lasted this long worked, even if it carried no entry. */
const STEADY: Seconds = 60;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** The longest event, in characters. */
const MAX_EVENT = 256 * 1024;

/**
 * Yields the log entries of an account as it writes them. A feed ends when its signature expires, after a few minutes. Then, and when
 * the connection breaks, this resumes after the last entry: it misses no entry and repeats none.
 *
 * @throws CountersignError if the gateway refuses permanently; the caller's own abort reason
 */
export async function* eventsOf(
  context: ManagementContext,
  account: string,
  { after, newest, signal }: EventsOptions,
): AsyncGenerator<EntryEvent, void, undefined> {
  let last = after;
  let failures = 0;
  for (;;) {
    const began = context.now();
    try {
      const response = await requestRoute(context, 'account.events', {
        params: { account },
        query: last === undefined ? { newest } : { after: last },
        ...(signal === undefined ? {} : { signal }),
      });
      for await (const event of messagesOf(response, signal)) {
        const id = Number(event.id);
        // Without a sequence number the feed cannot resume.
        if (!Number.isSafeInteger(id) || id < 0) throw malformed();
        // Repeated entries do not reset `failures`: a server that only repeats them would make the client sign without a pause.
        if (last !== undefined && id <= last) continue;
        failures = 0;
        last = id;
        if (event.data === '') continue;
        const entry = readJson(event.data);
        if (typeof entry !== 'object' || entry === null) throw malformed();
        yield entry as EntryEvent;
      }
    } catch (cause) {
      signal?.throwIfAborted();
      if (isFinal(cause)) throw cause;
    }
    failures = context.now() - began < STEADY ? failures + 1 : 1;
    // The first reconnect is immediate: a feed usually ends because its signature expired.
    const wait = failures < 2 ? 0 : Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS);
    await context.sleep(wait, signal);
  }
}

const malformed = (): CountersignError =>
  new CountersignError('answer_malformed', 'The feed has an event that is not an entry.');

/** Whether the next attempt would fail in the same way. A lost connection, a 429 and a 5xx of a proxy would not. */
const isFinal = (cause: unknown): boolean =>
  cause instanceof CountersignError &&
  cause.code !== 'unreachable' &&
  !(cause.code === 'refused' && [429, 502, 503, 504].includes(cause.response?.status ?? 0));

type Message = { readonly id: string | undefined; readonly data: string };

/** Parses server-sent events (HTML standard §9.2). Ignores comments and other fields. */
async function* messagesOf(
  response: Response,
  signal: AbortSignal | undefined,
): AsyncGenerator<Message, void, undefined> {
  let id: string | undefined;
  let data: string[] = [];
  let length = 0;
  for await (const line of linesOf(response, signal)) {
    if (line === '') {
      if (id !== undefined || data.length > 0) yield { id, data: data.join('\n') };
      id = undefined;
      data = [];
      length = 0;
    } else {
      const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (name === 'id') id = value;
      if (name !== 'data') continue;
      data.push(value);
      length += value.length + 1;
      if (length > MAX_EVENT) throw malformed();
    }
  }
}

async function* linesOf(
  { body }: Response,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, undefined> {
  if (body === null) return;
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const silent = AbortSignal.timeout(SILENCE_MS);
      const either = signal === undefined ? silent : AbortSignal.any([signal, silent]);
      const { done, value } = await race(either, async () => await reader.read());
      if (done) return;
      // A CR at the end waits for the next chunk: CR LF is one line end, not two.
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      if (rest.length > MAX_EVENT) throw malformed();
      yield* lines;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
