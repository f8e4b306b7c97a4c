import { expect, it, vi } from 'vitest';
import { currentReadiness, readiness } from '../../../src/outages/readiness.ts';

const NOW = 1_800_000_000;
const found = { verdict: 'found', entries: [], exported: 0, head: 0 } as const;
const away = () => Promise.reject(new Error('https://node.example/secret is away'));
const silent = () => new Promise<never>(() => undefined);

type Fakes = {
  readonly entries?: () => Promise<unknown>;
  readonly first?: () => Promise<unknown>;
  readonly oldest?: number;
};

const partsOf = ({ first = async () => 1, oldest = 0 }: Fakes) => {
  const queue = { metrics: async () => ({ oldestMessageTimestamp: new Date(oldest * 1_000) }) };
  return {
    ...{ SETTLEMENT_QUEUE: queue, AUDIT_QUEUE: queue },
    AUDIT_DB: { prepare: () => ({ first }) },
  } as never;
};
const accountOf = ({ entries = async () => found }: Fakes) => ({ entries }) as never;
const asked = async (fakes: Fakes) => readiness(partsOf(fakes), accountOf(fakes), NOW);

vi.spyOn(console, 'error').mockImplementation(() => undefined);

it('is ready when accounts, database and queues answer', async () => {
  expect(await asked({})).toBe('ready');
});

it('is unavailable without accounts, whether they refuse, fail or are silent', async () => {
  expect(await asked({ entries: async () => ({ verdict: 'unavailable' }) })).toBe('unavailable');
  expect(await asked({ entries: away })).toBe('unavailable');
  vi.useFakeTimers();
  const answer = asked({ entries: silent });
  await vi.advanceTimersByTimeAsync(2_000);
  vi.useRealTimers();
  expect(await answer).toBe('unavailable');
});

it('is degraded without its database, or with an old message in a queue', async () => {
  expect(await asked({ first: away })).toBe('degraded');
  expect(await asked({ oldest: NOW - 901 })).toBe('degraded');
  expect(await asked({ oldest: NOW - 299 })).toBe('ready');
});

it('asks once in ten seconds, however many ask', async () => {
  const answer = Promise.withResolvers<unknown>();
  const entries = vi.fn<() => Promise<unknown>>(() => answer.promise);
  const waits: Promise<unknown>[] = [];
  const ask = async (after: number) =>
    currentReadiness(partsOf({}), accountOf({ entries }), NOW + after, (each) => waits.push(each));
  const first = ask(0);
  expect(await ask(0)).toBe('unavailable');
  answer.resolve(found);
  expect(await first).toBe('ready');
  expect(await ask(9)).toBe('ready');
  expect(entries).toHaveBeenCalledTimes(1);
  // The answer counts even if the request that asked was cancelled.
  expect(waits).toHaveLength(1);
  entries.mockRejectedValueOnce(new Error('away'));
  expect(await ask(10)).toBe('unavailable');
  expect(entries).toHaveBeenCalledTimes(2);
});
