import type { AlertBody } from '../protocol/account/alert.ts';
import type { Seconds } from '../core/clock.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type Catalogue, catalogueOf, type Changes, type Start } from './catalogue.ts';
import type { ReadTools, ToolChanges } from './read-tools.ts';
import { readStored } from './stored-tool.ts';

/** What this isolate sells: the deployed file, and the tools that operators put or removed since. */
export type LiveCatalogue = {
  /** For a call. Always answers, in an outage with the newest version this isolate knows. */
  readonly current: (
    now: Seconds,
    waitUntil: (promise: Promise<unknown>) => void,
  ) => Promise<Catalogue>;
  /** Reads now. Management needs it: an operator must see the current tool before replacing it. */
  readonly fresh: (now: Seconds) => Promise<Result<Catalogue, Reason>>;
};

export type CatalogueDeps = {
  readonly read: ReadTools;
  /** Raises an operator alert; false where it could not be recorded. */
  readonly raise: (alert: AlertBody) => Promise<boolean>;
  readonly start: Start;
  /** How long one read may keep a call waiting, milliseconds. */
  readonly patience?: number;
};

/** From this age on the catalogue is read again behind a call. */
const STALE: Seconds = 2;
/** From this age on a call waits for a read of its own, so that a change reaches every isolate within 5 s. */
const EXPIRED: Seconds = 5;
/** After a failed read no call waits for another one for this long. */
const PAUSE: Seconds = 2;
const PATIENCE = 1_000;

/** The tools as of the start of one read. */
type Snapshot = {
  readonly ticket: number;
  readonly readAt: Seconds;
  readonly top: number;
  readonly changes: Changes;
  readonly catalogue: Catalogue;
};

/**
 * Opens the catalogue of an isolate. In an outage the last snapshot keeps serving, whatever its age; an isolate that never read one
 * serves the deployed file. Both raise `catalogue_stale`.
 *
 * Workers cancel I/O that another request started, so no call awaits a read that is not its own.
 */
export const openCatalogue = ({
  read,
  raise,
  start,
  patience = PATIENCE,
}: CatalogueDeps): LiveCatalogue => {
  let snapshot: Snapshot | undefined;
  let deployed: Catalogue | undefined;
  let tickets = 0;
  let failedAt: Seconds | undefined;
  /** When the read behind a call began. It may never end: the runtime can cancel its call. */
  let refreshedAt: Seconds | undefined;
  let inOutage = false;
  /** An alert that the gateway account has not recorded yet. */
  let owed: AlertBody | undefined;

  const readBy = async (now: Seconds): Promise<boolean> => {
    const from = snapshot;
    tickets += 1;
    const ticket = tickets;
    try {
      const changed = await read(from?.top ?? 0);
      // A read that began later saw every change that this one saw.
      if (snapshot === undefined || ticket > snapshot.ticket) {
        snapshot = { ...laidOver(start, from, snapshot, changed), ticket, readAt: now };
      }
      failedAt = undefined;
      inOutage = false;
      return true;
    } catch (cause) {
      failedAt = now;
      console.error({ event: 'catalogue_unreadable', cause: String(cause) });
      return false;
    }
  };
  /** As `readBy`, for as long as a call may wait. A read that comes late still counts for the calls after it. */
  const readInTime = async (now: Seconds): Promise<boolean> => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => {
        failedAt = now;
        console.error({ event: 'catalogue_slow', milliseconds: patience });
        resolve(false);
      }, patience);
    });
    const done = await Promise.race([readBy(now), late]);
    clearTimeout(timer);
    return done;
  };
  const isPaused = (now: Seconds): boolean => failedAt !== undefined && now - failedAt < PAUSE;
  const refresh = async (now: Seconds): Promise<void> => {
    refreshedAt = now;
    await readBy(now);
    refreshedAt = undefined;
  };
  const isYoungerThan = (age: Seconds, now: Seconds): boolean =>
    snapshot !== undefined && now - snapshot.readAt < age;

  /** The account that records the alert may be the one that does not answer: then the alert waits until it does. */
  const report = async (): Promise<void> => {
    const alert = owed;
    owed = undefined;
    if (alert !== undefined && !(await raise(alert))) owed ??= alert;
  };

  return {
    current: async (now, waitUntil) => {
      if (!isYoungerThan(EXPIRED, now)) {
        const isRead = !isPaused(now) && (await readInTime(now));
        if (!isRead && !inOutage) {
          inOutage = true;
          owed = {
            rule: 'catalogue_stale',
            detail: { source: snapshot === undefined ? 'file' : 'snapshot' },
          };
          waitUntil(report());
        }
      } else if (
        !isYoungerThan(STALE, now) &&
        !isPaused(now) &&
        (refreshedAt === undefined || now - refreshedAt >= EXPIRED)
      ) {
        waitUntil(refresh(now));
      }
      if (owed !== undefined && !inOutage) waitUntil(report());
      return snapshot?.catalogue ?? (deployed ??= catalogueOf(start, new Map()));
    },
    fresh: async (now) =>
      (await readBy(now)) && snapshot !== undefined
        ? ok(snapshot.catalogue)
        : err({ reason: 'storage_unavailable' }),
  };
};

/** The snapshot after a read. Parses only the tools that changed, and nothing where another read brought the same. */
const laidOver = (
  start: Start,
  from: Snapshot | undefined,
  latest: Snapshot | undefined,
  { top, tools }: ToolChanges,
): Pick<Snapshot, 'top' | 'changes' | 'catalogue'> => {
  if (latest?.top === top) return latest;
  const changes = new Map(from === undefined || top < from.top ? [] : from.changes);
  for (const { id, document } of tools) {
    changes.set(id, document === null ? undefined : readStored(id, document, start));
  }
  return { top, changes, catalogue: catalogueOf(start, changes) };
};
