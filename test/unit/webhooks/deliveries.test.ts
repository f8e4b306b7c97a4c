import { describe, expect, inject, test, vi } from 'vitest';
import type { EgressReach } from '../../../src/protocol/egress-url.ts';
import { MAX_DELIVERIES, testDelivery } from '../../../src/webhooks/deliveries.ts';
import { db } from '../audit/database.ts';
import { ALICE, START } from '../audit/history.ts';
import { consumer, receivedFor, signer } from './world.ts';
import { endpoint, found, log, nextMessage, useReceiver, world } from './receiver.ts';

useReceiver();

describe('the log', () => {
  test('has the last hundred attempts of each webhook', async () => {
    const message = await endpoint('200');
    const other = await endpoint('200', 'other');
    await consumer().consume([other], START - 1);
    const stale = Array.from({ length: MAX_DELIVERIES + 20 }, (_, index) =>
      db
        .prepare(
          `INSERT INTO webhook_deliveries VALUES (?, 'ops', ?, ?, 1, 'alert.raised', NULL, NULL, NULL, 500, NULL, 1, 'retry', NULL)`,
        )
        // Includes several deliveries in one second.
        .bind(ALICE, START - 1_000 + Math.floor(index / 7), `msg_${index}`),
    );
    await db.batch(stale);
    await consumer().consume([message], START);
    const kept = await log();
    expect(kept).toHaveLength(MAX_DELIVERIES);
    expect(kept[0]).toMatchObject({ message: message.event.id });
    const { results } = await db.prepare('SELECT webhook FROM webhook_deliveries').all();
    expect(results).toHaveLength(MAX_DELIVERIES + 1);
    expect(await log('other')).toHaveLength(1);
  });

  test('of messages is deleted after a day', async () => {
    const first = await endpoint('200');
    await consumer().consume([first], START);
    await consumer().consume([await nextMessage()], START + 86_401);
    const { results } = await db.prepare('SELECT message FROM webhook_messages').all();
    expect(results).toHaveLength(1);
  });

  test('writes few rows', async () => {
    const message = await endpoint('200');
    const spent = vi.spyOn(Object.getPrototypeOf(db) as D1Database, 'batch');
    await consumer().consume([message], START);
    const results = (await spent.mock.results.at(-1)?.value) as D1Result[];
    expect(results.reduce((sum, { meta }) => sum + meta.rows_written, 0)).toBe(2);
  });
});

describe('a test', () => {
  const probe = async (id = 'ops', reach: EgressReach = 'local_stack') =>
    testDelivery(
      { db, signer: await signer(), receiptKey: inject('receiptKey'), reach },
      ALICE,
      id,
      START,
    );

  test('is sent at once, and logged', async () => {
    await endpoint('200');
    const delivery = await probe();
    expect(delivery).toMatchObject({ type: 'webhook.test', status: 200, outcome: 'delivered' });
    expect(await log()).toEqual([delivery]);
    const [received] = await receivedFor(world.key);
    expect(JSON.parse(received?.body ?? '')).toEqual({
      type: 'webhook.test',
      timestamp: new Date(START * 1000).toISOString(),
      data: { scope: ALICE, webhook: 'ops' },
    });
    expect(received?.headers['webhook-signature']).toMatch(/^v1a,[A-Za-z0-9+/]{86}==$/);
  });

  test('changes nothing of the webhook, whatever its receiver answers', async () => {
    await endpoint('410');
    expect(await probe()).toMatchObject({ status: 410, outcome: 'failed' });
    expect(await found()).toMatchObject({ state: 'active', failures: 0 });
    await db.prepare("UPDATE webhooks SET state = 'disabled', reason = 'gone'").run();
    expect(await probe()).toMatchObject({ status: 410 });
    expect(await found()).toMatchObject({ state: 'disabled' });
  });

  test('of an unknown webhook is undefined, and of a forbidden URL fails', async () => {
    expect(await probe('nobody')).toBeUndefined();
    await endpoint('200');
    expect(await probe('ops', 'public')).toMatchObject({ fault: 'address', outcome: 'failed' });
    expect(await receivedFor(world.key)).toEqual([]);
  });
});
