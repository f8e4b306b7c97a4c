import { describe, expect, test, vi } from 'vitest';
import { decodeBase64, utf8 } from '../../../src/crypto/bytes.ts';
import { MAX_FAILURES } from '../../../src/webhooks/attempt.ts';
import { listWebhooks } from '../../../src/webhooks/registry.ts';
import { db, rows } from '../audit/database.ts';
import { ALICE, START } from '../audit/history.ts';
import {
  alertOf,
  consumer,
  everything,
  QUEUE,
  queued,
  receivedFor,
  receiver,
  register,
  SELF,
  signer,
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

describe('a message', () => {
  test('arrives signed, and the JWKS verifies the signature', async () => {
    const message = await endpoint('200');
    expect(await consumer().consume([message], START)).toEqual(ONCE);
    const [received, ...more] = await receivedFor(world.key);
    expect(more).toEqual([]);
    const { headers = {}, body = '' } = received ?? {};
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': message.event.id,
      'webhook-timestamp': String(START),
    });
    expect(body).toBe(message.event.body);
    const [version, text = ''] = (headers['webhook-signature'] ?? '').split(',');
    expect(version).toBe('v1a');
    const jwk = (await signer()).jwks.keys[0] as JsonWebKey;
    const publicKey = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['verify']);
    const verify = async (content: string) =>
      crypto.subtle.verify(
        'Ed25519',
        publicKey,
        decodeBase64(text) as never,
        utf8(content) as never,
      );
    expect(await verify(`${message.event.id}.${START}.${body}`)).toBe(true);
    expect(await verify(`${message.event.id}.${START + 1}.${body}`)).toBe(false);
    expect(await verify(`msg_other.${START}.${body}`)).toBe(false);
    expect(await log()).toMatchObject([
      {
        ...{
          message: message.event.id,
          type: 'alert.raised',
          rule: 'debt',
          account: ALICE,
          seq: 1,
        },
        ...{ attempt: 1, status: 200, at: START, outcome: 'delivered' },
      },
    ]);
  });

  test('is sent again after a 500, later each time, with a new signature', async () => {
    const message = await endpoint('twice-500');
    const { consume } = consumer();
    expect(await consume([message], START)).toEqual({ done: 0, again: [10] });
    expect(await consume([message], START + 10)).toEqual({ done: 0, again: [60] });
    expect(await consume([message], START + 70)).toEqual(ONCE);
    expect(await log()).toMatchObject([
      { attempt: 3, status: 200, outcome: 'delivered' },
      { attempt: 2, status: 500, outcome: 'retry', retryAt: START + 70 },
      { attempt: 1, status: 500, outcome: 'retry', retryAt: START + 10 },
    ]);
    const received = await receivedFor(world.key);
    expect(new Set(received.map(({ body }) => body)).size).toBe(1);
    expect(received.map(({ headers }) => headers['webhook-timestamp'])).toEqual(
      [START, START + 10, START + 70].map(String),
    );
    expect(await found()).toMatchObject({ state: 'active', failures: 0 });
  });

  test('is sent once, however often the queue delivers it', async () => {
    const message = await endpoint('200');
    const { consume } = consumer();
    // Another consumer has taken it: this one retries, and finds it delivered.
    const both = await consume([message, message], START);
    expect([both.done, both.again]).toEqual([1, [30]]);
    expect(await consume([message], START + 30)).toEqual(ONCE);
    expect(await receivedFor(world.key)).toHaveLength(1);
  });

  test('waits if it is delivered before it is due', async () => {
    const message = await endpoint('500');
    const { consume } = consumer();
    await consume([message], START);
    expect(await consume([message], START + 3)).toEqual({ done: 0, again: [7] });
    expect(await receivedFor(world.key)).toHaveLength(1);
  });

  test('of a consumer that crashed is sent by another one', async () => {
    const message = await endpoint('200');
    const { consume } = consumer();
    await db
      .prepare("INSERT INTO webhook_messages VALUES (?, 'ops', ?, 1, 0, ?)")
      .bind(ALICE, message.event.id, START + 30)
      .run();
    expect(await consume([message], START + 29)).toEqual({ done: 0, again: [1] });
    expect(await consume([message], START + 30)).toEqual(ONCE);
    expect(await log()).toMatchObject([{ attempt: 2, outcome: 'delivered' }]);
  });

  test('for a webhook that was removed, or now subscribes to other alerts, is dropped', async () => {
    const message = await endpoint('200');
    await register(ALICE, 'ops', { url: `${receiver}/200/${world.key}`, events: ['stuck'] });
    expect(await consumer().consume([message], START)).toEqual(ONCE);
    await register(ALICE, 'ops', null);
    expect(await consumer().consume([message], START)).toEqual(ONCE);
    expect(await receivedFor(world.key)).toEqual([]);
  });

  test('goes to the current URL', async () => {
    const message = await endpoint('500');
    await consumer().consume([message], START);
    await register(ALICE, 'ops', everything(`${receiver}/200/${world.key}-new`));
    expect(await consumer().consume([message], START + 10)).toEqual(ONCE);
    expect(await receivedFor(`${world.key}-new`)).toHaveLength(1);
  });

  test('that is malformed becomes a dead letter', async () => {
    const message = await endpoint('200');
    const { consume } = consumer();
    const strange = [
      { ...message, v: 2 },
      { ...message, scope: 'everybody' },
      { ...message, webhook: '../ops' },
      { ...message, event: { ...message.event, id: 'msg_1.2' } },
      'nothing',
    ];
    expect(await consume(strange, START)).toEqual({ done: 5, again: [] });
    expect(await rows('dead_letters')).toHaveLength(5);
    expect(await receivedFor(world.key)).toEqual([]);
  });

  test('is retried while the database does not answer', async () => {
    const message = await endpoint('200');
    await db.prepare('DROP TABLE webhooks').run();
    expect(await consumer().consume([message, 'nothing'], START)).toEqual({ done: 1, again: [60] });
    await db.prepare('DROP TABLE dead_letters').run();
    expect(await consumer().consume(['nothing'], START)).toEqual({ done: 0, again: [60] });
  });
});

describe('a webhook', () => {
  test('does not follow redirects', async () => {
    const message = await endpoint('redirect');
    expect(await consumer().consume([message], START)).toEqual({ done: 0, again: [10] });
    expect(await log()).toMatchObject([{ status: 307, fault: 'redirect', outcome: 'retry' }]);
    expect(await receivedFor(`${world.key}-elsewhere`)).toEqual([]);
  });

  test('is logged with its fault if its receiver is down, or does not answer', async () => {
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
    // No more than fits into the buffers of both sides.
    expect(after?.sentBytes).toBeLessThan(20_000_000);
  });

  test('gets no request at a URL that is no longer allowed, and its message fails for good', async () => {
    const message = await endpoint('200');
    expect(await consumer({ reach: 'public' }).consume([message], START)).toEqual(ONCE);
    expect(await log()).toMatchObject([{ fault: 'address', attempt: 1, outcome: 'failed' }]);
    expect(await receivedFor(world.key)).toEqual([]);
    expect(await found()).toMatchObject({ state: 'active', failures: 1 });
  });

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
    // Further messages and retries are dropped without another alert.
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
    // A redelivery is no second failure.
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

test('dead letters name the queue of their batch', async () => {
  await consumer().consume(['nothing'], START);
  expect(await rows('dead_letters')).toMatchObject([{ queue: QUEUE, account: '', at: START }]);
});
