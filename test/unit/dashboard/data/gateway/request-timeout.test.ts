import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { withTimeout } from '../../../../../src/dashboard/data/gateway/request-timeout.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A request that a gateway never answers. */
const hanging = async (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')));
  });

it('gives up a request without an answer after 30 s', async () => {
  const ended = vi.fn<() => void>();
  const sent = withTimeout(undefined, hanging).catch(ended);
  await vi.advanceTimersByTimeAsync(29_999);
  expect(ended).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  await sent;
  expect(ended).toHaveBeenCalledTimes(1);
});

it('ends a request at once when its page is left', async () => {
  const page = new AbortController();
  const sent = withTimeout(page.signal, hanging);
  page.abort();
  await expect(sent).rejects.toThrow('aborted');
});

it('leaves an answer that has begun alone', async () => {
  const signals: AbortSignal[] = [];
  await withTimeout(undefined, async (signal) => signals.push(signal));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
});
