import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openThrottle } from '../../../durable-objects/store/throttle.ts';

beforeEach(() => vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => vi.useRealTimers());

/** Runs a throttled task at each of these times (milliseconds), with its own name. @returns each name with the time at which it ran */
const ranAt = async (times: readonly number[]): Promise<readonly string[]> => {
  const throttle = openThrottle(1_000);
  const ran: string[] = [];
  const start = Date.now();
  for (const at of times) {
    await vi.advanceTimersByTimeAsync(start + at - Date.now());
    void throttle(() => Promise.resolve(void ran.push(`${at} at ${Date.now() - start}`)));
  }
  await vi.advanceTimersByTimeAsync(5_000);
  return ran;
};

test('runs work at once after a quiet second', async () => {
  expect(await ranAt([0, 1_000, 2_500])).toEqual(['0 at 0', '1000 at 1000', '2500 at 2500']);
});

test('runs the last work of a busy second when the second is over', async () => {
  expect(await ranAt([0, 100, 300, 900, 1_200, 1_900])).toEqual([
    '0 at 0',
    '900 at 1000',
    '1900 at 2000',
  ]);
});

test('delays no work for longer than a second after the clock has stepped back', async () => {
  const throttle = openThrottle(1_000);
  const work = vi.fn<() => Promise<void>>(() => Promise.resolve());
  await throttle(work);
  vi.setSystemTime(Date.now() - 3_600_000);
  await throttle(work);

  expect(work).toHaveBeenCalledTimes(2);
});

test('runs work after work that failed', async () => {
  const throttle = openThrottle(1_000);
  await expect(throttle(() => Promise.reject(new Error('down')))).rejects.toThrow('down');
  const failed = Promise.allSettled([throttle(() => Promise.reject(new Error('down')))]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await failed).toMatchObject([{ status: 'rejected' }]);
  const work = vi.fn<() => Promise<void>>(() => Promise.resolve());
  const worked = throttle(work);
  await vi.advanceTimersByTimeAsync(1_000);
  await worked;

  expect(work).toHaveBeenCalledTimes(1);
});
