import type { Seconds } from '../core/clock.ts';
import type { Reason } from '../core/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type Catalogue, catalogueOf, type Changes, type Start } from './catalogue.ts';
import { type Read, readChanges } from './store.ts';
import { readStored } from './stored-tool.ts';

/** What this isolate sells: the file, and what was put since, never older than 5 s. */
export type LiveCatalogue = {
  /** For a request: from memory where that is young enough. */
  readonly current: (
    now: Seconds,
    waitUntil: (promise: Promise<unknown>) => void,
  ) => Promise<Result<Catalogue, Reason>>;
  /** As it is at this moment: for who is about to change it, or has. */
  readonly fresh: (now: Seconds) => Promise<Result<Catalogue, Reason>>;
};

/** From this age on it is read again behind the back of a request. */
const STALE = 2;
/** From this age on a request waits for it: a change is seen everywhere within 5 s. */
const EXPIRED = 5;
/** For so long a database that does not answer is bridged by what was read last. */
const LAST_KNOWN = 60;
/** After a failure nobody asks for so long: a database in trouble is not helped by every request asking it. */
const PAUSE = 2;

/** The table as of the start of one read: complete by itself, whatever other reads found meanwhile. */
type Snapshot = {
  readonly ticket: number;
  readonly readAt: Seconds;
  readonly top: number;
  readonly changes: Changes;
  readonly catalogue: Catalogue;
};

/** The catalogue of an isolate. Whoever waits, waits for its own read: a pending promise of one request must not be awaited by another. */
export const openCatalogue = (db: D1Database, start: Start): LiveCatalogue => {
  let snapshot: Snapshot | undefined;
  let tickets = 0;
  let failedAt: Seconds | undefined;
  /** When the read began that goes on behind a request. It may never end: its request can be stopped. */
  let refreshedAt: Seconds | undefined;

  const readBy = async (now: Seconds): Promise<boolean> => {
    const from = snapshot;
    tickets += 1;
    const ticket = tickets;
    try {
      const read = await readChanges(db, from?.top ?? 0);
      // Who began later has seen no less.
      if (snapshot === undefined || ticket > snapshot.ticket) {
        snapshot = { ...laidOver(start, from, snapshot, read), ticket, readAt: now };
      }
      failedAt = undefined;
      return true;
    } catch (cause) {
      failedAt = now;
      console.error({ event: 'catalogue_unreadable', cause: String(cause) });
      return false;
    }
  };
  const isPaused = (now: Seconds): boolean => failedAt !== undefined && now - failedAt < PAUSE;
  const refresh = async (now: Seconds): Promise<void> => {
    refreshedAt = now;
    await readBy(now);
    refreshedAt = undefined;
  };
  const youngerThan = (age: Seconds, now: Seconds): Catalogue | undefined =>
    snapshot !== undefined && now - snapshot.readAt < age ? snapshot.catalogue : undefined;
  const orUnavailable = (catalogue: Catalogue | undefined): Result<Catalogue, Reason> =>
    catalogue === undefined ? err({ reason: 'storage_unavailable' }) : ok(catalogue);

  return {
    current: async (now, waitUntil) => {
      if (youngerThan(EXPIRED, now) === undefined) {
        if (!isPaused(now)) await readBy(now);
      } else if (
        youngerThan(STALE, now) === undefined &&
        !isPaused(now) &&
        (refreshedAt === undefined || now - refreshedAt >= EXPIRED)
      ) {
        waitUntil(refresh(now));
      }
      return orUnavailable(youngerThan(LAST_KNOWN, now));
    },
    fresh: async (now) => orUnavailable((await readBy(now)) ? snapshot?.catalogue : undefined),
  };
};

/** What a read makes of the snapshot it began from. Only what has changed is parsed again, and nothing where another read was first. */
const laidOver = (
  start: Start,
  from: Snapshot | undefined,
  latest: Snapshot | undefined,
  { top, rows }: Read,
): Pick<Snapshot, 'top' | 'changes' | 'catalogue'> => {
  if (latest?.top === top) return latest;
  const changes = new Map(from === undefined || top < from.top ? [] : from.changes);
  for (const { id, document, hash } of rows) {
    changes.set(
      id,
      document === null || hash === null ? undefined : readStored(id, document, hash, start),
    );
  }
  return { top, changes, catalogue: catalogueOf(start, changes) };
};
