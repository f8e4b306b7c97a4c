import * as z from 'zod/mini';
import type { Seconds } from '../core/clock.ts';

const SECONDS = z.nullable(z.int().check(z.nonnegative()));

/** Results of the newest calls of a tool. */
export const toolResults = z.strictObject({
  tool: z.string(),
  succeeded: z.int(),
  failed: z.int(),
  /** When the newest success and the newest failure ended. */
  success_at: SECONDS,
  failure_at: SECONDS,
  /** UTC day of the newest success, from the totals by day. */
  success_day: z.nullable(z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/))),
});

export type ToolResults = z.infer<typeof toolResults>;

/** `failing`: most of the newest calls failed, and so did the last one. `unknown`: no call of the last day says anything. */
export type HealthState = 'working' | 'failing' | 'unknown';

export type ToolHealth = {
  readonly state: HealthState;
  /** ISO 8601: a time, or only the UTC day if it is older than the newest calls. */
  readonly lastSuccess: string | undefined;
  readonly lastFailure: string | undefined;
};

export const UNKNOWN_HEALTH: ToolHealth = {
  state: 'unknown',
  lastSuccess: undefined,
  lastFailure: undefined,
};

/** Judges a tool by its results. Never shows how many calls there were: that is the operator's business. */
export const healthOf = (results: ToolResults): ToolHealth => ({
  state: stateOf(results),
  lastSuccess:
    results.success_at === null ? (results.success_day ?? undefined) : isoTime(results.success_at),
  lastFailure: results.failure_at === null ? undefined : isoTime(results.failure_at),
});

const stateOf = ({ succeeded, failed, success_at, failure_at }: ToolResults): HealthState => {
  if (succeeded === 0 && failed === 0) return 'unknown';
  return failed > succeeded && (failure_at ?? 0) >= (success_at ?? 0) ? 'failing' : 'working';
};

/** Writes a time as ISO 8601 in UTC, without fractions of a second. */
export const isoTime = (at: Seconds): string =>
  new Date(at * 1000).toISOString().replace('.000Z', 'Z');

const DAY: Seconds = 86_400;
const DAYS = 30;

/**
 * A failure of the tool: no answer, or a status of 500 and above. Its other refusals do not count, because any caller can bring them about
 * with a bad request, and pays nothing for it.
 */
const FAILED = `(state = 'abandoned' OR (success = 0 AND (status IS NULL OR status >= 500)))`;

/**
 * The newest calls of a day, and days with a success. Both read a bounded number of rows in the order of a primary key: no index and no row
 * is written for it.
 */
export const RESULTS = `
WITH newest AS MATERIALIZED (
  SELECT tool, state, success, status, ended_at FROM calls WHERE accepted_at >= ?1 ORDER BY accepted_at DESC LIMIT 1000
), days AS MATERIALIZED (
  SELECT tool, day, calls, failed FROM spend WHERE scope = '*' AND kind = 'own' AND day >= ?2 ORDER BY day DESC LIMIT 2000
)
SELECT tool, sum(succeeded) AS succeeded, sum(failed) AS failed, max(success_at) AS success_at, max(failure_at) AS failure_at,
  max(success_day) AS success_day
FROM (
  SELECT tool, success IS 1 AS succeeded, ${FAILED} IS 1 AS failed, CASE WHEN success = 1 THEN ended_at END AS success_at,
    CASE WHEN ${FAILED} THEN ended_at END AS failure_at, NULL AS success_day
  FROM newest WHERE ended_at IS NOT NULL
  UNION ALL
  SELECT tool, 0, 0, NULL, NULL, day FROM days WHERE calls > failed
) WHERE tool <> '' GROUP BY tool`;

/** Reads the results of all tools that had any in 30 days: one query, at most 3,000 rows. @throws Error if the database does not answer */
export const readResults = async (
  db: D1Database,
  now: Seconds,
): Promise<readonly ToolResults[]> => {
  const firstDay = isoTime(now - DAYS * DAY).slice(0, 10);
  const { results } = await db
    .prepare(RESULTS)
    .bind(now - DAY, firstDay)
    .all<ToolResults>();
  return results;
};
