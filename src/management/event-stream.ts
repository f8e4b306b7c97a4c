import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import { entryText } from '../audit/entry.ts';
import { type Entry } from '../protocol/entry.ts';
import { listEntries } from './entry-query.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import { utf8 } from '../crypto/bytes.ts';

/** What a stream of events needs: the account itself, and the log of what it keeps no longer. */
export type EventSource = {
  readonly account: (id: AccountId) => Pick<AgentAccountRpc, 'entries'>;
  readonly db: D1Database;
};

/** A line at least this often: proxies close what is silent. */
const HEARTBEAT: Seconds = 15;
/** Then the client comes again, and signs again: who has lost the right to listen hears no more. */
const LIFETIME: Seconds = 300;
/** Entries that are sent in one piece. */
const MOST = 200;
/** After a failure, milliseconds. */
const PAUSE_MS = 1_000;

const RETRY = `retry: 3000\n\n`;
/** Says where the log stands, too: whoever loses the connection before the first entry goes on from there. */
const silence = (at: number): string => `: nothing new\nid: ${at}\n\n`;
const FAILURE = ': not available, trying again\n\n';

/** A piece of the stream, and the seq up to which it tells. */
type Piece = { readonly text: string; readonly at: number };

/**
 * The log of an account as server-sent events, from the entry after `after` on, without a gap: what is in D1 first, then what happens.
 * Each piece is fetched when the client has taken the one before it, so that a slow client holds nothing here.
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
  const left = Promise.withResolvers<undefined>();
  const leave = (): void => left.resolve(undefined);
  const state = { at: after, isOpen: false, wait: 0 };

  /** What comes next, or undefined when the client has left. */
  const next = async (): Promise<Piece | undefined> => {
    for (;;) {
      const piece = await Promise.race([
        pieceAfter(source, account, by, state.at, state.wait),
        left.promise,
      ]);
      state.wait = Math.min(HEARTBEAT, Math.max(0, end - now())) * 1_000;
      if (piece === undefined || piece.text !== '') return piece;
      state.at = piece.at;
    }
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!state.isOpen) {
          state.isOpen = true;
          signal.addEventListener('abort', leave, { once: true });
          if (signal.aborted) leave();
          controller.enqueue(utf8(RETRY));
          return;
        }
        const piece = now() < end ? await next() : undefined;
        if (piece === undefined) {
          signal.removeEventListener('abort', leave);
          controller.close();
          return;
        }
        if (piece.text === FAILURE) await pause(left.promise);
        state.at = piece.at;
        controller.enqueue(utf8(piece.text));
      },
      cancel() {
        signal.removeEventListener('abort', leave);
        leave();
      },
    },
    { highWaterMark: 0 },
  );
};

const pieceAfter = async (
  source: EventSource,
  account: AccountId,
  by: AccountId,
  at: number,
  waitMs: number,
): Promise<Piece> => {
  try {
    const found = await source.account(account).entries(at, waitMs, MOST, by);
    if (found.verdict !== 'found') return { text: FAILURE, at };
    if (found.entries.length > 0) return pieceOf(found.entries as readonly Entry[], at);
    // A place that the chain has never reached: it is told from where it stands.
    if (at >= found.head) return { text: silence(found.head), at: found.head };
    return await storedAfter(source.db, account, at, found.exported);
  } catch (cause) {
    console.error({ event: 'events_failed', account, cause: String(cause) });
    return { text: FAILURE, at };
  }
};

/** Entries that the account has handed over to D1. */
const storedAfter = async (
  db: D1Database,
  account: AccountId,
  at: number,
  exported: number,
): Promise<Piece> => {
  const page = await listEntries(db, account, { after: at, limit: MOST });
  if (!page.ok) return { text: FAILURE, at };
  const { items, next } = page.value;
  if (items.length > 0) return pieceOf(items, at);
  if (next !== undefined && next > at) return { text: '', at: next };
  // Archived, all of it: there is nothing to tell before what the account still has. Nothing else may be passed over.
  const archived = await db
    .prepare('SELECT last_seq FROM archived WHERE account = ?1')
    .bind(account)
    .first<{ last_seq: number }>();
  return archived !== null && archived.last_seq >= exported && exported > at
    ? { text: '', at: exported }
    : { text: FAILURE, at };
};

const pieceOf = (entries: readonly Entry[], at: number): Piece => ({
  text: entries.map(eventOf).join(''),
  at: entries.at(-1)?.seq ?? at,
});

/** The data is the text that was hashed: who keeps it can verify it (law 11). It holds no line break. */
const eventOf = (entry: Entry): string =>
  `id: ${entry.seq}\nevent: ${entry.type}\ndata: ${entryText(entry)}\n\n`;

/** A moment, or less when the client leaves. */
const pause = async (left: Promise<undefined>): Promise<void> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PAUSE_MS);
  });
  try {
    await Promise.race([over, left]);
  } finally {
    clearTimeout(timer);
  }
};
