import { afterEach, describe, expect, it, vi } from 'vitest';
import { LIFETIME, openHealthReports } from '../../../src/discovery/health-reports.ts';
import type { ToolResults } from '../../../src/audit/tool-health.ts';
import { AT } from './documents.ts';

afterEach(() => vi.restoreAllMocks());

const results: readonly ToolResults[] = [
  { tool: 't', succeeded: 1, failed: 0, success_at: AT - 9, failure_at: null, success_day: null },
];

/** The cache of a Cloudflare location, and the isolates that share it. */
const location = (read: (now: number) => Promise<readonly ToolResults[]>) => {
  const reads: number[] = [];
  let stored: unknown;
  const background: Promise<unknown>[] = [];
  const isolate = () => {
    const reports = openHealthReports(
      async (now) => {
        reads.push(now);
        return await read(now);
      },
      {
        get: async () => stored,
        put: async (report) => {
          stored = report;
        },
      },
    );
    return async (now: number) => {
      const report = await reports.current(now, (promise) => background.push(promise));
      await Promise.all(background.splice(0));
      return report;
    };
  };
  return { isolate, reads };
};

describe('reports about the health of tools', () => {
  it('read the database at most once a minute, however many strangers ask', async () => {
    const { isolate, reads } = location(async () => results);
    const current = isolate();
    for (let at = AT; at < AT + 3 * LIFETIME; at += 1) await current(at);
    expect(reads).toEqual([AT, AT + LIFETIME, AT + 2 * LIFETIME]);
    expect(await current(AT + 3 * LIFETIME - 1)).toMatchObject({ readAt: AT + 2 * LIFETIME });
  });

  it('are shared by the isolates of a location', async () => {
    const { isolate, reads } = location(async () => results);
    const first = await isolate()(AT);
    expect(await isolate()(AT + 20)).toEqual(first);
    expect(first?.tools.get('t')?.state).toBe('working');
    expect(reads).toEqual([AT]);
  });

  it('wait a minute after a failed read as well, and keep the last report', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    let works = true;
    const { isolate, reads } = location(async () => {
      if (works) return results;
      throw new Error('D1 is down');
    });
    const current = isolate();
    const report = await current(AT);
    works = false;
    for (let at = AT + LIFETIME; at < AT + 3 * LIFETIME; at += 5)
      expect(await current(at)).toEqual(report);
    expect(reads).toHaveLength(3);
    expect(log).toHaveBeenCalledTimes(2);
  });

  it('are absent, and keep no visitor waiting, while the database is slow', async () => {
    let answer: ((results: readonly ToolResults[]) => void) | undefined;
    const reports = openHealthReports(
      async () =>
        await new Promise((resolve) => {
          answer = resolve;
        }),
      { get: async () => undefined, put: async () => undefined },
    );
    const background: Promise<unknown>[] = [];
    const started = Date.now();
    const waitUntil = (promise: Promise<unknown>) => void background.push(promise);
    expect(await reports.current(AT, waitUntil)).toBeUndefined();
    expect(Date.now() - started).toBeLessThan(3_000);
    expect(await reports.current(AT + 1, waitUntil)).toBeUndefined();
    answer?.(results);
    await Promise.all(background);
    expect(await reports.current(AT + 2, waitUntil)).toMatchObject({ readAt: AT });
  });

  it('ignore what another release or another party put into the cache', async () => {
    for (const stored of [
      { read_at: AT, results: [{ tool: 't' }] },
      'x',
      { read_at: AT - 90, results },
    ]) {
      const reports = openHealthReports(async () => results, {
        get: async () => stored,
        put: async () => undefined,
      });
      expect(await reports.current(AT, () => undefined)).toMatchObject({ readAt: AT });
    }
  });
});
