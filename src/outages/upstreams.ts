import { isFailing, readResults } from '../audit/tool-health.ts';
import type { Seconds } from '../core/clock.ts';
import type { Outage } from './record-outages.ts';

/** Fewer failures may come from a single caller. */
const LEAST = 5;

/**
 * The tools whose newest calls failed. The outage lasts at least an hour, and ends once most of them succeed, or after a day without
 * a call. @throws Error if the database does not answer
 */
export const upstreamOutages = async (db: D1Database, now: Seconds): Promise<readonly Outage[]> =>
  (await readResults(db, now))
    .filter(({ succeeded, failed }) => failed > 0 && failed >= succeeded)
    .map((results) => {
      const { tool, succeeded, failed } = results;
      const detail = { tool, failed, calls: succeeded + failed };
      return { subject: tool, detail, onlyLasts: !isFailing(results) || failed < LEAST };
    });
