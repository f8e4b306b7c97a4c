import { isFailing, readResults } from '../audit/tool-health.ts';
import type { Seconds } from '../core/clock.ts';
import type { Outage } from './record-outages.ts';

/** Fewer failures may come from a single caller. */
const LEAST = 5;

/**
 * Finds the tools whose newest calls failed. A tool without new calls counts as failing until a call succeeds, or for a day.
 *
 * @throws Error if the database does not answer
 */
export const upstreamOutages = async (db: D1Database, now: Seconds): Promise<readonly Outage[]> =>
  (await readResults(db, now))
    .filter((results) => isFailing(results) && results.failed >= LEAST)
    .map(({ tool, succeeded, failed }) => ({
      subject: tool,
      detail: { tool, failed, calls: succeeded + failed },
    }));
