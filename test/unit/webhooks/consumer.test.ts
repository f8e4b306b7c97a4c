import { describe, expect, test } from 'vitest';
import { decodeBase64, utf8 } from '../../../src/crypto/bytes.ts';
import { db, rows } from '../audit/database.ts';
import { ALICE, START } from '../audit/history.ts';
import { consumer, everything, QUEUE, receivedFor, receiver, register, signer } from './world.ts';
import { ONCE, endpoint, found, log, useReceiver, world } from './receiver.ts';

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
    // Another consumer has claimed the message, so this one retries and then finds it delivered.
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

test('dead letters name the queue of their batch', async () => {
  await consumer().consume(['nothing'], START);
  expect(await rows('dead_letters')).toMatchObject([{ queue: QUEUE, account: '', at: START }]);
});
