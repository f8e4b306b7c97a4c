import { expect, it, vi } from 'vitest';
import { readiness, readinessOf } from '../../../src/outages/readiness.ts';

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

it('asks once in ten seconds', async () => {
  const entries = vi.fn<() => Promise<unknown>>(async () => found);
  const [parts, account] = [partsOf({}), accountOf({ entries })];
  for (const after of [0, 9, 10])
    expect(await readinessOf(parts, account, NOW + after)).toBe('ready');
  expect(entries).toHaveBeenCalledTimes(2);
});
