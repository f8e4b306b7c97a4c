import type { Seconds } from '../core/clock.ts';
import type { AnswerOf } from '../management/types.ts';
import { CountersignError } from './errors.ts';
import { readJson } from './json.ts';
import { type Desk, sendFor } from './management-send.ts';
import { race } from './send.ts';

/** An entry of the log, as it is written. */
export type EntryEvent = AnswerOf<'account.events'>;

export type EventsOptions = {
  /** The sequence number to go on after. Absent: from now on. */
  readonly after?: number;
  readonly signal?: AbortSignal;
};

/** The gateway says something every 15 seconds; a connection without a word is dead. */
const SILENCE_MS = 45_000;
/** A feed that lasted this long was a good one, though nothing happened. */
const STEADY: Seconds = 60;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** The longest event: an entry of the largest body. */
const MAX_EVENT = 256 * 1024;

/**
 * The log of an account as it grows. A feed ends every few minutes, with its signature: then, and when the connection breaks, it is asked
 * for again from the last entry on, so that none is missed and none comes twice.
 *
 * @throws CountersignError where the gateway refuses for good; the caller's own abort reason
 */
export async function* eventsOf(
  desk: Desk,
  account: string,
  { after, signal }: EventsOptions,
): AsyncGenerator<EntryEvent, void, undefined> {
  let last = after;
  let failures = 0;
  for (;;) {
    const began = desk.now();
    try {
      const response = await sendFor(desk, 'account.events', {
        params: { account },
        query: { after: last },
        ...(signal === undefined ? {} : { signal }),
      });
      for await (const event of messagesOf(response, signal)) {
        const id = Number(event.id);
        // Without a place in the log there is nothing to go on from.
        if (!Number.isSafeInteger(id) || id < 0) throw malformed();
        // What only repeats itself has failed: it would be asked for, and signed for, again without a pause.
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
    failures = desk.now() - began < STEADY ? failures + 1 : 1;
    // The first return comes at once: a feed that has ended well has nothing against it.
    const wait = failures < 2 ? 0 : Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS);
    await desk.sleep(wait, signal);
  }
}

const malformed = (): CountersignError =>
  new CountersignError('answer_malformed', 'The feed holds what is no entry.');

/** What the next attempt would meet as well. A lost connection, a 429 and a 503 are not. */
const isFinal = (cause: unknown): boolean =>
  cause instanceof CountersignError &&
  cause.code !== 'answer_lost' &&
  !(cause.code === 'refused' && [429, 502, 503, 504].includes(cause.response?.status ?? 0));

type Message = { readonly id: string | undefined; readonly data: string };

/** The messages of a stream of server-sent events, by the rules of the HTML standard; comments and other fields are passed over. */
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
      // A CR at the end waits for what follows: with an LF it is one line end, not two.
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      if (rest.length > MAX_EVENT) throw malformed();
      yield* lines;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
