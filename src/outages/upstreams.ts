import { isFailing, readResults } from '../audit/tool-health.ts';
import type { Seconds } from '../core/clock.ts';
import type { Outage } from './record-outages.ts';

/** Fewer failures may be those of one caller. */
const LEAST = 5;

/** The tools whose newest calls failed. One that nobody calls any more fails until a call succeeds, or for a day. @throws Error if the database does not answer */
export const upstreamOutages = async (db: D1Database, now: Seconds): Promise<readonly Outage[]> =>
  (await readResults(db, now))
    .filter((results) => isFailing(results) && results.failed >= LEAST)
    .map(({ tool, succeeded, failed }) => ({
      subject: tool,
      detail: { tool, failed, calls: succeeded + failed },
    }));
