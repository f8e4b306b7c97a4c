import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { freshDatabase } from '../audit/database.ts';
import { START } from '../audit/history.ts';
import { accountWith, clock, open, chainOf } from './event-source.ts';

beforeEach(freshDatabase);

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a client', () => {
  test('gets a heartbeat every fifteen seconds, and is disconnected after five minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: START * 1_000 });
    const account = accountWith([]);
    const { next } = open(account, 0);
    await next();
    const heard: number[] = [];
    for (let piece = next(); ; piece = next()) {
      await vi.advanceTimersByTimeAsync(15_000);
      const text = await piece;
      if (text === undefined) break;
      expect(text).toMatch(/^: nothing new\nid: \d+\n\n$/);
      heard.push(clock() - START);
    }
    expect(Math.max(...heard.slice(1).map((at, index) => at - (heard[index] ?? 0)))).toBe(15);
    expect(heard.at(-1)).toBe(300);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that starts with new entries gets the current seq at once', async () => {
    const { next } = open(accountWith(chainOf(3)), Number.MAX_SAFE_INTEGER);
    expect(await next()).toContain('retry:');
    expect(await next()).toBe(': nothing new\nid: 3\n\n');
  });

  test('gets nothing after its five minutes, however many entries are left', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: START * 1_000 });
    const { next } = open(accountWith(chainOf(900)), 0);
    await next();
    expect(await next()).toContain('id: 200\n');
    vi.setSystemTime((START + 300) * 1_000);
    expect(await next()).toBeUndefined();
  });

  test('that does not read causes no calls', async () => {
    const account = accountWith(chainOf(900));
    const { next } = open(account, 0);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(account.reads).toEqual([]);
    await next();
    await next();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(account.reads).toEqual([{ after: 0, waitMs: 0, limit: 200 }]);
  });

  test('that disconnects ends the wait', async () => {
    const account = accountWith([]);
    const { reader, next } = open(account, 0);
    await next();
    await next();
    const waiting = next();
    await vi.waitFor(() => expect(account.reads).toHaveLength(2), { timeout: 30_000 });
    await reader.cancel();
    expect(await waiting).toBeUndefined();
    account.grow(chainOf(1));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(account.reads).toHaveLength(2);
  });

  test.each(['before', 'while it waits'])(
    'whose request is aborted %s ends the stream',
    async (when) => {
      const account = accountWith([]);
      const controller = new AbortController();
      if (when === 'before') controller.abort();
      const { next } = open(account, 0, controller.signal);
      await next();
      if (when !== 'before') await next();
      const waiting = next();
      if (when !== 'before') {
        await vi.waitFor(() => expect(account.reads).toHaveLength(2), { timeout: 30_000 });
        controller.abort();
      }
      expect(await waiting).toBeUndefined();
    },
  );

  test('that disconnects during a failure leaves no timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const account = accountWith([]);
    account.state.fails = 1_001;
    const { next, reader } = open(account, 0);
    await next();
    const waiting = next();
    await vi.advanceTimersByTimeAsync(1);
    await reader.cancel();
    await waiting;
    await vi.advanceTimersByTimeAsync(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
