import { beforeEach, describe, expect, it } from 'vitest';
import {
  healthOf,
  NEWEST_RESULTS,
  readResults,
  SUCCESS_DAYS,
} from '../../../src/audit/tool-health.ts';
import { db, freshDatabase } from './database.ts';
import { AT } from '../discovery/documents.ts';

beforeEach(freshDatabase);

type Row = {
  readonly tool: string;
  /** Seconds before the current time. */
  readonly ago: number;
  readonly state?: string;
  readonly success?: 0 | 1 | null;
  readonly status?: number | null;
  readonly reason?: string | null;
};

let calls = 0;
const store = async (rows: readonly Row[]) => {
  await db.batch(
    rows.map(({ tool, ago, state = 'committed', success = 1, status = 200, reason = null }) => {
      calls += 1;
      return db
        .prepare(
          `INSERT INTO calls (accepted_at, account, call, first_seq, segment, seq, tool, state, success, status, reason, ended_at)
           VALUES (?, 'a', ?, 1, 0, 2, ?, ?, ?, ?, ?, ?)`,
        )
        .bind(AT - ago - 1, `c${calls}`, tool, state, success, status, reason, AT - ago);
    }),
  );
};

const spent = async (tool: string, day: string, count: number, failed: number) => {
  await db
    .prepare(
      `INSERT INTO spend (scope, kind, day, asset, tool, payee, above, rule, calls, charged, denied, failed, from_credit, earned)
       VALUES ('*', 'own', ?, '', ?, '', '[]', '', ?, 0, 0, ?, 0, 0)`,
    )
    .bind(day, tool, count, failed)
    .run();
};

const healthNow = async (tool: string) => {
  const results = await readResults(db, AT);
  const found = results.find((each) => each.tool === tool);
  return found === undefined ? undefined : healthOf(found);
};

const failed = { state: 'released', success: 0 } as const;

describe('the health of a tool', () => {
  it('is working, with the time of the last success', async () => {
    await store([
      { tool: 't', ago: 600 },
      { tool: 't', ago: 60 },
      { tool: 't', ago: 30, ...failed, status: 500 },
    ]);
    expect(await healthNow('t')).toEqual({
      state: 'working',
      lastSuccess: '2026-11-27T14:59:00Z',
      lastFailure: '2026-11-27T14:59:30Z',
    });
    expect(await healthNow('other')).toBeUndefined();
  });

  it('is failing if most of the newest calls failed or stayed silent, and the last one did', async () => {
    await store([
      { tool: 't', ago: 600 },
      { tool: 't', ago: 60, ...failed, status: 503 },
      { tool: 't', ago: 30, state: 'abandoned', success: null, status: null },
    ]);
    expect(await healthNow('t')).toMatchObject({ state: 'failing' });
    await store([{ tool: 't', ago: 10 }]);
    expect(await healthNow('t')).toMatchObject({ state: 'working' });
  });

  it('does not suffer from bad requests, which any caller can send for nothing', async () => {
    await store([
      { tool: 't', ago: 600 },
      ...Array.from({ length: 20 }, (_, at) => ({ tool: 't', ago: at, ...failed, status: 422 })),
      // An upfront payment that could not settle ends its call before the tool runs.
      { tool: 't', ago: 5, state: 'released', success: null, status: null },
    ]);
    expect(await healthNow('t')).toMatchObject({ state: 'working', lastFailure: undefined });
  });

  it('is unknown without calls of the last day; the day of the last success remains', async () => {
    await store([{ tool: 't', ago: 100_000 }]);
    await spent('t', '2026-11-24', 5, 5);
    await spent('t', '2026-11-20', 5, 4);
    await spent('old', '2026-10-01', 5, 0);
    expect(await healthNow('t')).toEqual({
      state: 'unknown',
      lastSuccess: '2026-11-20',
      lastFailure: undefined,
    });
    expect(await healthNow('old')).toBeUndefined();
  });

  it('is failing if the upstream does not answer, and not by errors that a caller brings about', async () => {
    const none = { ...failed, status: 0 };
    await store([50, 40, 30].map((ago) => ({ tool: 'gone', ago, ...none, reason: 'dropped' })));
    expect(await healthNow('gone')).toMatchObject({ state: 'failing' });
    // A remote MCP server returned a JSON-RPC error, e.g. for invalid arguments.
    await store([50, 40].map((ago) => ({ tool: 'mcp', ago, ...none, reason: 'upstream_status' })));
    expect(await healthNow('mcp')).toBeUndefined();
  });

  it('follows the last minutes, whatever the day was like', async () => {
    await store(Array.from({ length: 200 }, (_, at) => ({ tool: 't', ago: 1_000 + at })));
    await store(
      Array.from({ length: 12 }, (_, at) => ({ tool: 't', ago: at, ...failed, status: 502 })),
    );
    expect(await healthNow('t')).toMatchObject({ state: 'failing' });
    // For a rarely called tool, one failure after successes in other hours means little, but three failures in five calls mean much.
    await store([4, 3, 2].map((hour) => ({ tool: 'quiet', ago: hour * 3_600 })));
    await store([{ tool: 'quiet', ago: 60, ...failed, status: 500 }]);
    expect(await healthNow('quiet')).toMatchObject({ state: 'working' });
    await store([50, 40].map((ago) => ({ tool: 'quiet', ago, ...failed, status: 500 })));
    expect(await healthNow('quiet')).toMatchObject({ state: 'failing' });
  });

  it('costs a bounded number of rows, in the order of primary keys', async () => {
    const planOf = async (sql: string, from: number | string) => {
      const { results } = await db
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(from)
        .all<{ readonly detail: string }>();
      return results.map(({ detail }) => detail);
    };
    expect(await planOf(NEWEST_RESULTS, 0)).toContain(
      'SEARCH calls USING PRIMARY KEY (accepted_at>?)',
    );
    expect(await planOf(SUCCESS_DAYS, '2026-01-01')).toContain(
      'SEARCH spend USING PRIMARY KEY (scope=? AND kind=? AND day>?)',
    );
    await store(Array.from({ length: 1_500 }, (_, at) => ({ tool: 't', ago: at })));
    const read = await db.prepare(NEWEST_RESULTS).bind(0).all();
    expect(read.meta.rows_read).toBeLessThan(1_100);
    expect(read.meta.rows_written).toBe(0);
  });
});
