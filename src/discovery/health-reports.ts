import * as z from 'zod/mini';
import type { Seconds } from '../core/clock.ts';
import { healthOf, type ToolHealth, toolResults, type ToolResults } from '../audit/tool-health.ts';

/** The health of tools at one time. */
export type HealthReport = {
  readonly readAt: Seconds;
  /** By tool id. A tool without calls has no entry. */
  readonly tools: ReadonlyMap<string, ToolHealth>;
};

/** The health of tools, as this isolate knows it. */
export type HealthReports = {
  /** Returns the newest report; undefined until there is one. Never throws. */
  readonly current: (
    now: Seconds,
    waitUntil: (promise: Promise<unknown>) => void,
  ) => Promise<HealthReport | undefined>;
};

/** Stores the report for all isolates of a location. Both functions may fail; then each isolate reads the database itself. */
export type SharedReport = {
  readonly get: () => Promise<unknown>;
  readonly put: (report: unknown, maxAge: Seconds) => Promise<void>;
};

/** A report is read again after this long, by a request in the background. */
export const LIFETIME: Seconds = 60;
/** How long the first request of an isolate waits. After that, the page is served without health. */
const PATIENCE = 1_000;

const sharedSchema = z.strictObject({ read_at: z.int(), results: z.array(toolResults) });

/**
 * Opens the reports of an isolate.
 *
 * Strangers read them without a proof, so they must cost nothing (law 12): an isolate starts at most one read a minute, whether it
 * succeeds or not, and isolates of one location share what they read. Platform: Workers cancel I/O of another request, so requests share
 * no promise.
 */
export const openHealthReports = (
  read: (now: Seconds) => Promise<readonly ToolResults[]>,
  shared: SharedReport,
): HealthReports => {
  let report: HealthReport | undefined;
  let startedAt: Seconds | undefined;

  const readShared = async (now: Seconds): Promise<HealthReport | undefined> => {
    const parsed = sharedSchema.safeParse(await shared.get().catch(() => undefined));
    if (!parsed.success || now - parsed.data.read_at >= LIFETIME) return undefined;
    return reportOf(parsed.data.read_at, parsed.data.results);
  };
  const refresh = async (now: Seconds): Promise<void> => {
    try {
      const known = await readShared(now);
      if (known !== undefined) {
        report = known;
        return;
      }
      const results = await read(now);
      report = reportOf(now, results);
      await shared.put({ read_at: now, results }, LIFETIME);
    } catch (cause) {
      console.error({ event: 'health_unreadable', cause: String(cause) });
    }
  };

  return {
    current: async (now, waitUntil) => {
      const isFresh = report !== undefined && now - report.readAt < LIFETIME;
      if (isFresh || (startedAt !== undefined && now - startedAt < LIFETIME)) return report;
      startedAt = now;
      const refreshed = refresh(now);
      waitUntil(refreshed);
      if (report === undefined) {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const late = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, PATIENCE);
        });
        await Promise.race([refreshed, late]);
        clearTimeout(timer);
      }
      return report;
    },
  };
};

const reportOf = (readAt: Seconds, results: readonly ToolResults[]): HealthReport => ({
  readAt,
  tools: new Map(results.map((each) => [each.tool, healthOf(each)])),
});

/** Shares reports through the cache of a Cloudflare location. A path of the gateway itself: no request of a client reaches its entry. */
export const sharedByCache = (cache: Cache, audience: string): SharedReport => {
  const key = `${audience}/healthz?of=tools`;
  return {
    get: async () => {
      const found = await cache.match(key);
      return found === undefined ? undefined : await found.json();
    },
    put: async (report, maxAge) => {
      const headers = { 'Cache-Control': `public, max-age=${maxAge}` };
      await cache.put(key, Response.json(report, { headers }));
    },
  };
};
