import { inTime } from '../core/in-time.ts';
import type { Jurisdiction } from '../protocol/jurisdiction.ts';
import type { Reason } from '../protocol/problem/reason.ts';

/** How long an isolate waits for the database, milliseconds. */
const PATIENCE_MS = 2_000;

/**
 * Compares the configured jurisdiction with the stored one. The first start stores its own.
 *
 * Race: two versions of the Worker may start at once, each with another jurisdiction. The insert of one is ignored, and that version then reads
 * the jurisdiction of the other.
 *
 * @returns why the gateway must not touch an object: an object in a wrong place has a budget of its own. `storage_unavailable`: the database
 *   is silent.
 */
export const placementFault = async (
  db: D1Database,
  jurisdiction: Jurisdiction | 'none',
): Promise<Reason | undefined> => {
  try {
    const stored = await inTime(
      read(db).then(async (found) => found ?? store(db, jurisdiction)),
      PATIENCE_MS,
    );
    return stored === jurisdiction ? undefined : otherJurisdiction(jurisdiction, stored);
  } catch (cause) {
    console.error({ event: 'placement_unknown', cause: String(cause) });
    return { reason: 'storage_unavailable' };
  }
};

const QUERY = 'SELECT jurisdiction FROM placement WHERE id = 1';

const read = async (db: D1Database): Promise<string | undefined> =>
  (await db.prepare(QUERY).first<string>('jurisdiction')) ?? undefined;

const store = async (db: D1Database, jurisdiction: string): Promise<string> => {
  await db
    .prepare('INSERT OR IGNORE INTO placement (id, jurisdiction) VALUES (1, ?1)')
    .bind(jurisdiction)
    .run();
  const stored = await read(db);
  if (stored === undefined) throw new Error('the row is not there');
  return stored;
};

const otherJurisdiction = (configured: string, stored: string): Reason => {
  console.error({ event: 'other_jurisdiction', configured, stored });
  return {
    reason: 'misconfigured',
    faults: [
      {
        name: 'JURISDICTION',
        reason: `is ${shown(configured)}, but the accounts of this gateway are stored with ${shown(stored)}. Set it to ${shown(stored)} again and deploy; a gateway in another place needs a name, a database and queues of its own (docs/region.md)`,
      },
    ],
  };
};

const shown = (jurisdiction: string): string =>
  jurisdiction === 'none' ? '""' : `"${jurisdiction}"`;
