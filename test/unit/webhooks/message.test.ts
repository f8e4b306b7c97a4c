import { beforeEach, expect, test } from 'vitest';
import { entryHash } from '../../../src/audit/entry.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { utf8 } from '../../../src/crypto/bytes.ts';
import { enqueueAlerts } from '../../../src/webhooks/message.ts';
import { MAX_BODY, readWebhookMessage } from '../../../src/webhooks/message.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { ALICE, accepted, history, MALLORY, START } from '../audit/history.ts';
import { alertOf, everything, queued, register, SELF } from './world.ts';

const PARENT: AccountId = `eip155:84532:0x${'b0'.repeat(20)}`;
const GRANDPARENT: AccountId = `eip155:84532:0x${'c0'.repeat(20)}`;
const hook = everything('https://hooks.example.com/');

const placed = async (account: AccountId, above: string): Promise<void> => {
  await db
    .prepare('INSERT INTO accounts (account, above, first_at, seq) VALUES (?, ?, ?, 1)')
    .bind(account, above, START)
    .run();
};
const placesOf = async (account: AccountId, entry = alertOf(account)) =>
  (await queued(account, entry)).map(({ scope, webhook }) => `${scope}/${webhook}`).toSorted();

beforeEach(freshDatabase);

test('an alert goes to webhooks of the account, its ancestors and all accounts, and to no other', async () => {
  await placed(ALICE, JSON.stringify([PARENT, GRANDPARENT]));
  await placed(PARENT, JSON.stringify([GRANDPARENT]));
  for (const scope of [ALICE, PARENT, GRANDPARENT, MALLORY, '*'] as const) {
    await register(scope, 'ops', hook);
  }
  expect(await placesOf(ALICE)).toEqual(
    [`*/ops`, `${ALICE}/ops`, `${PARENT}/ops`, `${GRANDPARENT}/ops`].toSorted(),
  );
  expect(await placesOf(PARENT)).toEqual(
    [`*/ops`, `${PARENT}/ops`, `${GRANDPARENT}/ops`].toSorted(),
  );
  expect(await placesOf(GRANDPARENT)).toEqual([`*/ops`, `${GRANDPARENT}/ops`].toSorted());
  expect(await placesOf(SELF)).toEqual(['*/ops']);
});

test('alerts of an account without stored ancestors go to webhooks of all accounts only', async () => {
  await placed(MALLORY, '["everybody"]');
  await register('*', 'ops', hook);
  expect(await placesOf(ALICE)).toEqual(['*/ops']);
  expect(await placesOf(MALLORY)).toEqual(['*/ops']);
});

test('an alert goes to webhooks that subscribe to it, are enabled and not removed', async () => {
  await register('*', 'all', hook);
  await register('*', 'debts', { ...hook, events: ['debt', 'stuck'] });
  await register('*', 'breakers', { ...hook, events: ['breaker'] });
  await register('*', 'off', hook);
  await register('*', 'gone', hook);
  await register('*', 'gone', null);
  await db.prepare("UPDATE webhooks SET state = 'disabled' WHERE id = 'off'").run();
  expect(await placesOf(ALICE)).toEqual(['*/all', '*/debts']);
  const breaker = alertOf(ALICE, { rule: 'breaker', detail: {} });
  expect(await placesOf(ALICE, breaker)).toEqual(['*/all', '*/breakers']);
});

test('other entries are not sent', async () => {
  await register('*', 'all', hook);
  const [entry] = history(ALICE, [accepted(1)]);
  expect(await queued(ALICE, entry as never)).toEqual([]);
  const [unknown] = history(ALICE, [{ type: 'alert.raised', at: START, rule: 'of_later' }]);
  expect(await queued(ALICE, unknown as never)).toEqual([]);
});

test('a message contains the alert and the place of its entry', async () => {
  await register('*', 'all', hook);
  const entry = alertOf(ALICE);
  const [message] = await queued(ALICE, entry);
  expect(readWebhookMessage(message)).toEqual(message);
  expect(message?.event).toMatchObject({ id: `msg_${entryHash(entry)}`, rule: 'debt', seq: 1 });
  expect(JSON.parse(message?.event.body ?? '')).toEqual({
    type: 'alert.raised',
    timestamp: new Date(START * 1000).toISOString(),
    data: {
      ...{ account: ALICE, seq: 1, rule: 'debt', severity: 'warning', entry: entryHash(entry) },
      detail: { asset: 'usdc', debt: '5' },
    },
  });
});

test('a message that would be too long leaves out the detail', async () => {
  await register('*', 'all', hook);
  const entry = alertOf(ALICE, { rule: 'debt', detail: { word: 'ü'.repeat(MAX_BODY / 2) } });
  const [message] = await queued(ALICE, entry);
  expect(utf8(message?.event.body ?? '').byteLength).toBeLessThan(MAX_BODY);
  expect(JSON.parse(message?.event.body ?? '')).toMatchObject({
    data: { truncated: true, seq: 1 },
  });
});

test('the most webhooks are sent in batches that the queue accepts', async () => {
  for (let index = 0; index < 20; index += 1) await register('*', `hook-${index}`, hook);
  const sizes: number[] = [];
  // Each of these characters takes two in a body and four in a message.
  const word = '"'.repeat(MAX_BODY / 2 - 500);
  const queue = {
    sendBatch: async (batch: Iterable<unknown>) => {
      sizes.push(JSON.stringify([...batch]).length);
      return {} as QueueSendBatchResponse;
    },
  };
  await enqueueAlerts({ db, queue }, ALICE, alertOf(ALICE, { rule: 'debt', detail: { word } }));
  expect(sizes).toHaveLength(4);
  expect(Math.min(...sizes)).toBeGreaterThan(150_000);
  expect(Math.max(...sizes)).toBeLessThan(256_000);
});

test('throws if the queue does not answer', async () => {
  await register('*', 'all', hook);
  const queue = {
    sendBatch: async () => {
      throw new Error('Too Many Requests');
    },
  };
  await expect(enqueueAlerts({ db, queue }, ALICE, alertOf(ALICE))).rejects.toThrow('Too Many');
});
