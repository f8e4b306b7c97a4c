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
  /** UTC day of the newest success, from the daily totals. */
  success_day: z.nullable(z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/))),
});

export type ToolResults = z.infer<typeof toolResults>;

/** `failing`: most of the newest calls failed, and so did the last one. `unknown`: no call of the last day shows either. */
export type HealthState = 'working' | 'failing' | 'unknown';

export type ToolHealth = {
  readonly state: HealthState;
  /** ISO 8601: a time, or only the UTC day if the success is older than the newest calls. */
  readonly lastSuccess: string | undefined;
  readonly lastFailure: string | undefined;
};

export const UNKNOWN_HEALTH: ToolHealth = {
  state: 'unknown',
  lastSuccess: undefined,
  lastFailure: undefined,
};

/** Judges a tool by its results. Never reveals the number of calls, which is private to the operator. */
export const healthOf = (results: ToolResults): ToolHealth => ({
  state: stateOf(results),
  lastSuccess:
    results.success_at === null ? (results.success_day ?? undefined) : isoTime(results.success_at),
  lastFailure: results.failure_at === null ? undefined : isoTime(results.failure_at),
});

const stateOf = (results: ToolResults): HealthState => {
  if (results.succeeded === 0 && results.failed === 0) return 'unknown';
  return isFailing(results) ? 'failing' : 'working';
};

/** Whether most of the newest calls failed, and so did the last one. */
export const isFailing = ({ succeeded, failed, success_at, failure_at }: ToolResults): boolean =>
  failed > succeeded && (failure_at ?? 0) >= (success_at ?? 0);

/** Writes a time as ISO 8601 in UTC, without fractions of a second. */
export const isoTime = (at: Seconds): string =>
  new Date(at * 1000).toISOString().replace('.000Z', 'Z');

const DAY: Seconds = 86_400;
const DAYS = 30;

/**
 * A failure of the tool: no answer (status 0), or a status of 500 and above. Other refusals of the tool do not count, including errors of a
 * remote MCP server (also status 0), because any caller can provoke them with a bad request, free of charge.
 */
const FAILED = `(state = 'abandoned' OR (success = 0 AND (status >= 500 OR (status = 0 AND reason IS NOT 'upstream_status'))))`;

/**
 * The newest results of a tool decide: at most `MANY` of the last `MINUTES`, and at least `FEW` of any age, because a quiet tool has no
 * newer ones.
 */
const MANY = 10;
const FEW = 5;
const MINUTES: Seconds = 900;

/** Both queries read a bounded number of rows in primary key order, so they need no index of their own. */
export const NEWEST_RESULTS = `
SELECT tool, success IS 1 AS succeeded, ended_at AS at
FROM (SELECT tool, state, success, status, reason, ended_at FROM calls WHERE accepted_at >= ?1 ORDER BY accepted_at DESC LIMIT 1000)
WHERE ended_at IS NOT NULL AND tool <> '' AND (success IS 1 OR ${FAILED})`;
export const SUCCESS_DAYS = `
SELECT tool, max(day) AS day FROM (
  SELECT tool, day, calls, failed FROM spend WHERE scope = '*' AND kind = 'own' AND day >= ?1 ORDER BY day DESC LIMIT 2000
) WHERE calls > failed AND tool <> '' GROUP BY tool`;

type Result = { readonly tool: string; readonly succeeded: 0 | 1; readonly at: Seconds };
type SuccessDay = { readonly tool: string; readonly day: string };

/** Reads the results of all tools that had any in 30 days, at most 3,000 rows. @throws Error if the database does not answer */
export const readResults = async (
  db: D1Database,
  now: Seconds,
): Promise<readonly ToolResults[]> => {
  const firstDay = isoTime(now - DAYS * DAY).slice(0, 10);
  const [newest, days] = await db.batch([
    db.prepare(NEWEST_RESULTS).bind(now - DAY),
    db.prepare(SUCCESS_DAYS).bind(firstDay),
  ]);
  const results = Map.groupBy((newest?.results ?? []) as Result[], ({ tool }) => tool);
  const dayOf = new Map(
    ((days?.results ?? []) as SuccessDay[]).map(({ tool, day }) => [tool, day]),
  );
  return [...new Set([...results.keys(), ...dayOf.keys()])].map((tool) => {
    const own = (results.get(tool) ?? []).toSorted((a, b) => b.at - a.at);
    // Many successes earlier in the day must not hide that every call fails now.
    const recent = own.filter(
      ({ at }, place) => place < FEW || (place < MANY && at >= (own[0]?.at ?? 0) - MINUTES),
    );
    const succeeded = recent.filter((each) => each.succeeded === 1).length;
    return {
      ...{ tool, succeeded, failed: recent.length - succeeded },
      success_at: own.find((each) => each.succeeded === 1)?.at ?? null,
      failure_at: own.find((each) => each.succeeded === 0)?.at ?? null,
      success_day: dayOf.get(tool) ?? null,
    };
  });
};
