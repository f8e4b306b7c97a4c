import { describe, expect, test } from 'vitest';
import { ALICE, START } from '../audit/history.ts';
import { consumer, everything, receivedFor, register } from './world.ts';
import { ONCE, endpoint, found, log, nextMessage, useReceiver, world } from './receiver.ts';

useReceiver();

describe('an attempt', () => {
  test('does not follow a redirect', async () => {
    const message = await endpoint('redirect');
    expect(await consumer().consume([message], START)).toEqual({ done: 0, again: [10] });
    expect(await log()).toMatchObject([{ status: 307, fault: 'redirect', outcome: 'retry' }]);
    expect(await receivedFor(`${world.key}-elsewhere`)).toEqual([]);
  });

  test('is logged with its fault if the receiver is down or does not answer', async () => {
    await register(ALICE, 'down', everything('http://127.0.0.1:1/'));
    const slow = await endpoint('slow', 'slow');
    const down = await nextMessage('down');
    const began = Date.now();
    expect(await consumer().consume([down, slow], START)).toEqual({ done: 0, again: [10, 10] });
    expect(Date.now() - began).toBeLessThan(12_000);
    const [timeout] = await log('slow');
    expect(timeout).toMatchObject({ fault: 'timeout', outcome: 'retry' });
    expect(timeout?.ms).toBeGreaterThan(9_000);
    expect(timeout).not.toHaveProperty('status');
    expect(await log('down')).toMatchObject([{ fault: 'connection', outcome: 'retry' }]);
  });

  test('cancels an endless answer', async () => {
    const message = await endpoint('endless');
    const began = Date.now();
    expect(await consumer().consume([message], START)).toEqual(ONCE);
    expect(Date.now() - began).toBeLessThan(5_000);
    expect(await log()).toMatchObject([{ status: 200, outcome: 'delivered' }]);
    const before = await receivedFor(world.key);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const [after] = await receivedFor(world.key);
    expect(after?.sentBytes).toBe(before[0]?.sentBytes);
    // The receiver sent no more than the buffers of both sides hold.
    expect(after?.sentBytes).toBeLessThan(20_000_000);
  });

  test('sends nothing to a URL that is no longer allowed, and fails for good', async () => {
    const message = await endpoint('200');
    expect(await consumer({ reach: 'public' }).consume([message], START)).toEqual(ONCE);
    expect(await log()).toMatchObject([{ fault: 'address', attempt: 1, outcome: 'failed' }]);
    expect(await receivedFor(world.key)).toEqual([]);
    expect(await found()).toMatchObject({ state: 'active', failures: 1 });
  });
});
