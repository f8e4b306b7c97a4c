import { interceptedDatabase } from '../../support/intercepted-database.ts';

/** One in this many queries of an outage hangs for a while. The others fail at once. */
const HANGS = 25;
const HANG_MS = 4_000;

/** A database that fails every query while `isAway`, as D1 does when its primary is unreachable. */
export const failingDatabase = (db: D1Database, isAway: () => boolean): D1Database => {
  let failures = 0;
  return interceptedDatabase(db, async (query) => {
    if (!isAway()) return await query();
    failures += 1;
    if (failures % HANGS === 0) await new Promise((resolve) => setTimeout(resolve, HANG_MS));
    throw new Error('D1_ERROR: Network connection lost.');
  });
};
