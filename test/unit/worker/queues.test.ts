import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, test } from 'vitest';
import { configOf } from '../../support/deployed.ts';
import { gatewayAccount } from '../../../src/config/config.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { consume, deadLetterAlert } from '../../../src/worker/queues.ts';
import { newDeadLetters, recordDeadLetters } from '../../../src/settlement/dead-letter.ts';
import { db, freshDatabase, messageOf, rows } from '../audit/database.ts';
import { ALICE, START } from '../audit/history.ts';
import { alertOf, everything, queued, register, SELF } from '../webhooks/world.ts';

const letter = (changes: object = {}) => ({
  ...{ id: 'l1', queue: 'countersign-settlement-dead', account: ALICE, call: '0xca11' },
  ...{ body: '{}', at: START, reason: 'retries exhausted' },
  ...changes,
});

const batchOf = (queue: string, bodies: readonly unknown[]) =>
  createMessageBatch(
    queue,
    bodies.map((body, index) => ({ id: `m${index}`, timestamp: new Date(), attempts: 1, body })),
  );

/** The real environment, with account objects that record the alerts that they receive. */
const watched = () => {
  const orders: { account: string; order: unknown }[] = [];
  const namespace = {
    getByName: (account: AccountId) => ({
      apply: async (order: unknown) => {
        orders.push({ account, order });
        return { verdict: 'applied', changed: true, told: [], silent: [] };
      },
      exported: async () => ({ verdict: 'ok' }),
    }),
  };
  return { orders, watching: { ...env, AGENT_ACCOUNT: namespace } as unknown as Env };
};

const run = async (watching: Env, batch: MessageBatch) => {
  const config = configOf(env as Env);
  if (!config.ok) throw new Error('no configuration');
  const context = createExecutionContext();
  await consume(batch, watching, context, config.value);
  return getQueueResult(batch, context);
};

const self = () => {
  const config = configOf(env as Env);
  if (!config.ok) throw new Error('no configuration');
  return gatewayAccount(config.value);
};

beforeEach(freshDatabase);

describe('a dead letter', () => {
  test('raises an alert in its account', () => {
    expect(deadLetterAlert(letter(), SELF)).toEqual({
      account: ALICE,
      alert: {
        rule: 'dead_letter',
        detail: {
          ...{ queue: 'countersign-settlement-dead', letter: 'l1', reason: 'retries exhausted' },
          ...{ account: ALICE, call: '0xca11' },
        },
      },
    });
  });

  test("of the audit queue, or without account, raises it in the gateway's account, because a stuck chain exports nothing", () => {
    const accountOf = (changes: object) => deadLetterAlert(letter(changes), SELF)?.account;
    expect(accountOf({ queue: 'countersign-audit-dead' })).toBe(SELF);
    expect(accountOf({ queue: 'countersign-audit' })).toBe(SELF);
    expect(accountOf({ account: '' })).toBe(SELF);
    expect(accountOf({ account: '../other' })).toBe(SELF);
  });

  test('of the webhook queue raises none, because it would use the queue that failed', () => {
    expect(deadLetterAlert(letter({ queue: 'countersign-webhooks-dead' }), SELF)).toBeUndefined();
  });

  test('is new once, and again when it returns', async () => {
    expect(await newDeadLetters(db, [letter(), letter({ id: 'l2' })])).toHaveLength(2);
    await recordDeadLetters(db, [letter()]);
    expect(
      (await newDeadLetters(db, [letter(), letter({ id: 'l2' })])).map(({ id }) => id),
    ).toEqual(['l2']);
    await db.prepare('UPDATE dead_letters SET redriven_at = 1').run();
    expect(await newDeadLetters(db, [letter()])).toHaveLength(1);
  });

  test.each([
    ['countersign-settlement-dead', { account: ALICE, call: '0xca11' }, () => ALICE],
    ['countersign-audit-dead', { account: ALICE }, self],
    ['shop-countersign-settlement-dead', { account: ALICE, call: '0xca11' }, () => ALICE],
  ] as const)('of %s is recorded and raised once', async (queue, body, whose) => {
    const { orders, watching } = watched();
    for (let round = 0; round < 2; round += 1) {
      expect((await run(watching, batchOf(queue, [body]))).explicitAcks).toHaveLength(1);
    }
    expect(await rows('dead_letters')).toHaveLength(1);
    expect(orders).toMatchObject([
      {
        account: whose(),
        order: { kind: 'alert', alert: { rule: 'dead_letter', detail: { queue } } },
      },
    ]);
  });

  test('is recorded even if its account cannot raise the alert', async () => {
    const { watching } = watched();
    const down = {
      ...watching,
      AGENT_ACCOUNT: {
        getByName: () => ({
          apply: async () => {
            throw new Error('overloaded');
          },
        }),
      },
    } as unknown as Env;
    await run(down, batchOf('countersign-settlement-dead', [{ account: ALICE }]));
    expect(await rows('dead_letters')).toHaveLength(1);
  });

  test('of the webhook queue is recorded once per webhook and event, and can be redriven', async () => {
    const { orders, watching } = watched();
    await register('*', 'ops', everything('https://hooks.example.com/'));
    const detail = { word: '"'.repeat(9_000) };
    const [message] = await queued(ALICE, alertOf(ALICE, { rule: 'debt', detail }));
    await run(watching, batchOf('countersign-webhooks-dead', [message, message, 'nothing']));
    expect(orders).toEqual([]);
    const [first, second, ...more] = (await rows('dead_letters')).toSorted((a, b) =>
      String(a['account']).localeCompare(String(b['account'])),
    );
    expect(more).toEqual([]);
    expect(first).toMatchObject({ account: '', body: '"nothing"' });
    expect(second).toMatchObject({
      id: `countersign-webhooks-dead/*/ops/${message?.event.id}`,
      account: ALICE,
    });
    expect(JSON.parse(String(second?.['body']))).toEqual(message);
  });
});

describe('an alert in a chunk', () => {
  test('is sent before its chunk is acknowledged', async () => {
    const sent: unknown[] = [];
    const { watching } = watched();
    await register(ALICE, 'ops', everything('https://hooks.example.com/'));
    const queue = (sendBatch: (batch: Iterable<unknown>) => Promise<void>) =>
      ({ ...watching, WEBHOOK_QUEUE: { sendBatch } }) as unknown as Env;
    const broken = queue(async () => Promise.reject(new Error('Too Many Requests')));
    const works = queue(async (batch) => {
      sent.push(...batch);
    });
    const chunk = await messageOf([alertOf(ALICE)]);
    const deferred = await run(broken, batchOf('countersign-audit', [chunk]));
    expect([deferred.explicitAcks.length, deferred.retryMessages.length]).toEqual([0, 1]);
    const stored = await run(works, batchOf('countersign-audit', [chunk]));
    expect(stored.explicitAcks).toHaveLength(1);
    expect(sent).toHaveLength(1);
  });
});

test.each(['countersign-settlement', 'countersign-audit', 'shop-countersign-settlement'])(
  'an unreadable message in %s becomes a dead letter, and an alert of the gateway',
  async (queue) => {
    const { orders, watching } = watched();
    expect((await run(watching, batchOf(queue, ['nothing']))).explicitAcks).toHaveLength(1);
    expect(await rows('dead_letters')).toMatchObject([{ queue }]);
    expect(orders).toMatchObject([{ account: self() }]);
  },
);
