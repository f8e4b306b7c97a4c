import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import { archiveBucket } from '../config/optional-bindings.ts';
import { entryText } from '../audit/entry.ts';
import type { Entry } from '../protocol/entry.ts';
import { listEntries } from './entry-list.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import { utf8 } from '../crypto/bytes.ts';

/** The account has the newest entries; D1 has those that it exported. */
export type EventSource = {
  readonly account: (id: AccountId) => Pick<AgentAccountRpc, 'entries'>;
  readonly db: D1Database;
  /** Bindings of the Worker: its bucket has the entries that D1 has forgotten. */
  readonly env?: object;
};

/** The longest silence: proxies close idle connections. */
const HEARTBEAT: Seconds = 15;
/** The stream then ends, and the client reconnects with a new signature. This bounds how long a revoked reader keeps reading. */
const LIFETIME: Seconds = 300;
/** Entries of one read, at most. */
const MAX_ENTRIES = 200;
/** Pause after a failure. */
const PAUSE_MS = 1_000;

const RETRY = `retry: 3000\n\n`;
/** A heartbeat with the current seq, so that a client that disconnects before the first entry continues from here. */
const heartbeat = (at: number): string => `: nothing new\nid: ${at}\n\n`;
const FAILURE = ': not available, trying again\n\n';

/** A part of the stream. `at`: the seq of its last entry. */
type Part = { readonly text: string; readonly at: number };

/**
 * Streams the log of an account as server-sent events, from the entry after `after` on and without a gap: stored entries first, then new
 * ones. Each part is read when the client has taken the part before, so a slow client costs no memory.
 *
 * @param after below zero: begins so many entries before the head of the chain
 */
export const eventStream = (
  source: EventSource,
  account: AccountId,
  by: AccountId,
  after: number,
  signal: AbortSignal,
  now: () => Seconds,
): ReadableStream<Uint8Array> => {
  const end = now() + LIFETIME;
  const disconnected = Promise.withResolvers<undefined>();
  const disconnect = (): void => disconnected.resolve(undefined);
  const state = { at: after, isOpen: false, wait: 0 };

  /** The next part; undefined once the client has disconnected. */
  const next = async (): Promise<Part | undefined> => {
    for (;;) {
      const part = await Promise.race([
        partAfter(source, account, by, state.at, state.wait),
        disconnected.promise,
      ]);
      state.wait = Math.min(HEARTBEAT, Math.max(0, end - now())) * 1_000;
      if (part === undefined || part.text !== '') return part;
      state.at = part.at;
    }
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!state.isOpen) {
          state.isOpen = true;
          signal.addEventListener('abort', disconnect, { once: true });
          if (signal.aborted) disconnect();
          controller.enqueue(utf8(RETRY));
          return;
        }
        const part = now() < end ? await next() : undefined;
        if (part === undefined) {
          signal.removeEventListener('abort', disconnect);
          controller.close();
          return;
        }
        if (part.text === FAILURE) await pause(disconnected.promise);
        state.at = part.at;
        controller.enqueue(utf8(part.text));
      },
      cancel() {
        signal.removeEventListener('abort', disconnect);
        disconnect();
      },
    },
    { highWaterMark: 0 },
  );
};

const partAfter = async (
  source: EventSource,
  account: AccountId,
  by: AccountId,
  at: number,
  waitMs: number,
): Promise<Part> => {
  try {
    const from = at < 0 ? Number.MAX_SAFE_INTEGER : at;
    const found = await source.account(account).entries(from, waitMs, MAX_ENTRIES, by);
    if (found.verdict !== 'found') return { text: FAILURE, at };
    if (at < 0) return { text: '', at: Math.max(0, found.head + at) };
    if (found.entries.length > 0) return partOf(found.entries as readonly Entry[], at);
    // A seq beyond the chain: continue from its head.
    if (at >= found.head) return { text: heartbeat(found.head), at: found.head };
    return await storedAfter(source, account, at, found.exported);
  } catch (cause) {
    console.error({ event: 'events_failed', account, cause: String(cause) });
    return { text: FAILURE, at };
  }
};

/** Reads entries that the account has exported to D1. */
const storedAfter = async (
  { db, env }: EventSource,
  account: AccountId,
  at: number,
  exported: number,
): Promise<Part> => {
  const page = await listEntries(
    db,
    account,
    { after: at, limit: MAX_ENTRIES },
    archiveBucket(env ?? {}),
  );
  if (!page.ok) return { text: FAILURE, at };
  const { items, next } = page.value;
  if (items.length > 0) return partOf(items, at);
  if (next !== undefined && next > at) return { text: '', at: next };
  // Skip entries only if they are archived and the account has all later ones. Skipping any other entry would leave a gap.
  const archived = await db
    .prepare('SELECT last_seq FROM archived WHERE account = ?1')
    .bind(account)
    .first<{ last_seq: number }>();
  return archived !== null && archived.last_seq >= exported && exported > at
    ? { text: '', at: exported }
    : { text: FAILURE, at };
};

const partOf = (entries: readonly Entry[], at: number): Part => ({
  text: entries.map(eventOf).join(''),
  at: entries.at(-1)?.seq ?? at,
});

/** The data is the hashed text, which has no line break, so that a client can verify the chain (law 11). */
const eventOf = (entry: Entry): string =>
  `id: ${entry.seq}\nevent: ${entry.type}\ndata: ${entryText(entry)}\n\n`;

/** Waits, or returns earlier if the client disconnects. */
const pause = async (disconnected: Promise<undefined>): Promise<void> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PAUSE_MS);
  });
  try {
    await Promise.race([over, disconnected]);
  } finally {
    clearTimeout(timer);
  }
};
