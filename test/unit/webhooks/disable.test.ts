import { describe, expect, test, vi } from 'vitest';
import { MAX_FAILURES } from '../../../src/webhooks/attempt.ts';
import { listWebhooks } from '../../../src/webhooks/registry.ts';
import { db } from '../audit/database.ts';
import { ALICE, START } from '../audit/history.ts';
import {
  alertOf,
  consumer,
  everything,
  queued,
  receivedFor,
  receiver,
  register,
  SELF,
} from './world.ts';
import {
  ONCE,
  endpoint,
  exhaust,
  found,
  log,
  nextMessage,
  useReceiver,
  world,
} from './receiver.ts';

useReceiver();

describe('a webhook', () => {
  test('is disabled at once by a 410, with an alert', async () => {
    const message = await endpoint('410');
    const { consume, raised } = consumer();
    expect(await consume([message], START)).toEqual(ONCE);
    expect(await listWebhooks(db, ALICE)).toMatchObject([
      { id: 'ops', state: 'disabled', reason: 'gone', disabledAt: START },
    ]);
    expect(await log()).toMatchObject([{ status: 410, attempt: 1, outcome: 'disabled' }]);
    expect(raised).toEqual([
      {
        account: ALICE,
        alert: {
          rule: 'webhook_disabled',
          detail: { scope: ALICE, webhook: 'ops', reason: 'gone', failures: 0 },
        },
      },
    ]);
    // The consumer drops further messages and retries without another alert.
    const other = {
      ...message,
      event: { ...message.event, id: message.event.id.replace(/.$/, '0') },
    };
    expect(await consume([message, other], START + 60)).toEqual({ done: 2, again: [] });
    expect(await receivedFor(world.key)).toHaveLength(1);
    expect(raised).toHaveLength(1);
    expect(await queued(ALICE, alertOf(ALICE))).toEqual([]);
  });

  test('of scope * raises its alert in the gateway’s own account', async () => {
    await register('*', 'ops', everything(`${receiver}/410/${world.key}`));
    const [message] = await queued(ALICE, alertOf(ALICE));
    const { consume, raised } = consumer();
    await consume([message], START);
    expect(raised).toMatchObject([{ account: SELF, alert: { detail: { scope: '*' } } }]);
  });

  test('is disabled after five messages in a row that failed for good, with eight attempts each', async () => {
    const first = await endpoint('500');
    const { consume, raised } = consumer();
    let now = await exhaust(consume, first, START);
    expect(await log()).toHaveLength(8);
    expect((await log())[0]).toMatchObject({ attempt: 8, outcome: 'failed' });
    // A redelivery does not count as a second failure.
    expect(await consume([first], now + 1)).toEqual(ONCE);
    for (let failed = 1; failed < MAX_FAILURES; failed += 1) {
      expect(await found()).toMatchObject({ state: 'active', failures: failed });
      now = await exhaust(consume, await nextMessage(), now + 1);
    }
    expect(await found()).toMatchObject({ state: 'disabled', reason: 'failing', failures: 5 });
    expect((await log())[0]).toMatchObject({ attempt: 8, outcome: 'disabled' });
    expect(raised.map(({ alert }) => alert.detail)).toMatchObject([
      { reason: 'failing', failures: 5 },
    ]);
    expect(await receivedFor(world.key)).toHaveLength(40);
  });

  test('counts failures anew after a delivery', async () => {
    const message = await endpoint('200');
    await db.prepare('UPDATE webhooks SET failures = 4').run();
    await consumer().consume([message], START);
    expect(await found()).toMatchObject({ failures: 0 });
  });

  test('raises one alert, however many of its messages end at once', async () => {
    await endpoint('410');
    const messages = [await nextMessage(), await nextMessage(), await nextMessage()];
    const { consume, raised } = consumer();
    const { done, again } = await consume(messages, START);
    expect(done + again.length).toBe(3);
    expect(raised).toHaveLength(1);
    expect(await consume(messages, START + 30)).toEqual({ done: 3, again: [] });
    expect(raised).toHaveLength(1);
  });

  test('raises its alert again if the account did not answer', async () => {
    const message = await endpoint('410');
    let answers = false;
    const { consume, raised } = consumer({ raises: () => answers });
    expect(await consume([message], START)).toEqual({ done: 0, again: [30] });
    expect(await found()).toMatchObject({ state: 'disabled' });
    answers = true;
    expect(await consume([message], START + 30)).toEqual(ONCE);
    expect(raised).toHaveLength(2);
    expect(await consume([message], START + 90)).toEqual(ONCE);
    expect(raised).toHaveLength(2);
    expect(await receivedFor(world.key)).toHaveLength(1);
  });

  test('stays enabled if it was written anew while its old URL answered 410', async () => {
    const message = await endpoint('410');
    vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
      await register(ALICE, 'ops', everything(`${receiver}/200/${world.key}`));
      return new Response(null, { status: 410 });
    });
    const { consume, raised } = consumer();
    await consume([message], START);
    expect(await found()).toMatchObject({ state: 'active' });
    expect(raised).toEqual([]);
  });

  test('leaves no rows if it was removed during an attempt', async () => {
    const message = await endpoint('500');
    vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
      await register(ALICE, 'ops', null);
      return new Response(null, { status: 410 });
    });
    const { consume, raised } = consumer();
    expect(await consume([message], START)).toEqual(ONCE);
    expect(raised).toEqual([]);
    expect(await log()).toEqual([]);
  });
});
