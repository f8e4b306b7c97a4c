import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { consumeAudit } from '../../../src/audit/consumer.ts';
import { openOfferedGrants } from '../../../src/audit/offered-grants.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { KeptDocument } from '../../../src/protocol/account/command.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import type { Entry, EntryBody } from '../../../src/protocol/entry.ts';
import { type WebhookDocument, webhookHash } from '../../../src/webhooks/document.ts';
import { projectWebhook } from '../../../src/webhooks/registry.ts';
import { alice, cut, deliver, listeners, mallory, QUEUE } from './consumer-fixture.ts';
import { db, freshDatabase, messageOf, rows, storedEntries } from './database.ts';
import { accepted, ALICE, committed, history, MALLORY, START, word } from './history.ts';

beforeEach(async () => {
  await freshDatabase();
  vi.spyOn(console, 'error').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

describe('a batch', () => {
  test('in any order is stored in the order of each chain, and acknowledged once per account', async () => {
    const { acknowledged, account } = listeners();
    const bodies = [
      await cut(alice, 6, 9),
      await cut(mallory, 0, 3),
      await cut(alice, 0, 3),
      await cut(alice, 3, 6),
    ];
    expect(await deliver(bodies, { account })).toEqual({
      acked: ['m0', 'm1', 'm2', 'm3'],
      retried: [],
    });
    expect(new Map(acknowledged)).toEqual(
      new Map([
        [ALICE, 9],
        [MALLORY, 3],
      ]),
    );
    expect(acknowledged).toHaveLength(2);
    expect(await storedEntries(ALICE)).toEqual(alice);
    expect(await storedEntries(MALLORY)).toEqual(mallory);
  });

  test('with a gap retries the chunks after it', async () => {
    const { acknowledged, account } = listeners();
    const [first, second, third] = [
      await cut(alice, 0, 3),
      await cut(alice, 3, 6),
      await cut(alice, 6, 9),
    ];
    expect(await deliver([third, first], { account })).toEqual({ acked: ['m1'], retried: ['m0'] });
    expect(acknowledged).toEqual([[ALICE, 3]]);
    expect(await deliver([third], { account })).toMatchObject({ acked: [], retried: ['m0'] });
    expect(await deliver([second, third], { account })).toMatchObject({ acked: ['m0', 'm1'] });
    expect(acknowledged.at(-1)).toEqual([ALICE, 9]);
    expect(await storedEntries(ALICE)).toEqual(alice);
    expect(await rows('dead_letters')).toEqual([]);
  });
});

describe('an account that was not acknowledged', () => {
  test.each([
    ['does not answer', () => Promise.reject(new Error('broken stub'))],
    ['cannot store it', async () => ({ verdict: 'unavailable' as const })],
  ])('because it %s is acknowledged again', async (_, answer) => {
    const body = await cut(alice, 0, 3);
    expect(await deliver([body], listeners(answer))).toMatchObject({ acked: [], retried: ['m0'] });
    const { acknowledged, account } = listeners();
    expect(await deliver([body], { account })).toMatchObject({ acked: ['m0'] });
    expect(acknowledged).toEqual([[ALICE, 3]]);
    expect(await storedEntries(ALICE)).toEqual(alice.slice(0, 3));
  });
});

test('a database that does not answer delays everything and loses nothing', async () => {
  const { acknowledged, account } = listeners();
  const away = {
    prepare: () => {
      throw new Error('D1 is overloaded');
    },
  } as unknown as D1Database;
  expect(await deliver([await cut(alice, 0, 3), 'junk'], { account }, away)).toMatchObject({
    acked: [],
    retried: ['m0', 'm1'],
  });
  expect(acknowledged).toEqual([]);
});

test('a message that fails is retried later each time, at most after a minute', async () => {
  const delays: (number | undefined)[] = [];
  const body = await cut(alice, 3, 6);
  for (const attempts of [1, 2, 3, 6, 99]) {
    const message = {
      id: 'm0',
      body,
      attempts,
      ack: () => delays.push(0),
      retry: (options?: { delaySeconds?: number }) => delays.push(options?.delaySeconds),
    };
    await consumeAudit(
      { queue: QUEUE, messages: [message] },
      { db, projectDocument: projectWebhook, ...listeners() },
      START,
    );
  }
  expect(delays).toEqual([2, 4, 8, 60, 60]);
});

describe('applying stored entries', () => {
  const alert: EntryBody = {
    type: 'alert.raised',
    at: START,
    rule: 'debt',
    outcome: { asset: 'usdc', credit: '-5' },
  };
  const entries = history(ALICE, [accepted(1), alert, committed(1)]);

  const listen = (fails = 0) => {
    const sent: [string, number][] = [];
    let left = fails;
    return {
      sent,
      ...listeners(),
      alert: async (account: string, entry: Entry) => {
        left -= 1;
        if (left >= 0) throw new Error('the queue is away');
        sent.push([account, entry.seq]);
      },
    };
  };

  test('sends an alert, and again when its chunk is redelivered', async () => {
    const deps = listen();
    const body = await messageOf(entries);
    expect(await deliver([body], deps)).toMatchObject({ acked: ['m0'] });
    expect(await deliver([body, await cut(mallory, 0, 3)], deps)).toMatchObject({
      acked: ['m0', 'm1'],
    });
    expect(deps.sent).toEqual([
      [ALICE, 2],
      [ALICE, 2],
    ]);
  });

  test('retries an alert that could not be sent, and blocks no other account', async () => {
    const deps = listen(1);
    const [first, second] = [
      await messageOf(entries.slice(0, 2)),
      await messageOf(entries.slice(2)),
    ];
    expect(await deliver([first, second, await cut(mallory, 0, 3)], deps)).toEqual({
      acked: ['m1', 'm2'],
      retried: ['m0'],
    });
    expect(await storedEntries(ALICE)).toEqual(entries);
    expect(await deliver([first], deps)).toMatchObject({ acked: ['m0'] });
    expect(deps.sent).toEqual([[ALICE, 2]]);
  });

  test('updates the table of webhooks', async () => {
    const document = { url: 'https://hooks.example/x', events: ['*'] };
    const orders = history(ALICE, [
      {
        type: 'webhook.put',
        at: START,
        outcome: { name: `${ALICE}/main`, hash: word(5) },
        evidence: { document },
      },
    ]);
    await deliver([await messageOf(orders)], listeners());
    const { results } = await db.prepare('SELECT scope, id FROM webhooks').all();
    expect(results).toEqual([{ scope: ALICE, id: 'main' }]);
  });

  describe('an entry that names its document by hash', () => {
    const document = { url: 'https://hooks.example/x', events: ['*'] };
    const hash = webhookHash(document as WebhookDocument);
    const put = (of: Hex) =>
      history(ALICE, [
        { type: 'webhook.put', at: START, outcome: { name: `${ALICE}/main`, hash: of } },
      ]);
    /** An account whose current document is `kept`. */
    const keeping = (kept: KeptDocument) => {
      const { acknowledged, account } = listeners();
      return {
        acknowledged,
        account: (id: string) => ({ ...account(id), document: async () => kept }),
      };
    };
    const urls = async () =>
      (await db.prepare("SELECT document ->> 'url' AS url FROM webhooks").all()).results;

    test('is applied with the account’s document', async () => {
      const deps = keeping({ verdict: 'found', hash, document });
      expect(await deliver([await messageOf(put(hash))], deps)).toMatchObject({ acked: ['m0'] });
      expect(await urls()).toEqual([{ url: document.url }]);
    });

    test('changes nothing if the account has a newer document', async () => {
      const deps = keeping({ verdict: 'found', hash, document });
      expect(await deliver([await messageOf(put(word(5)))], deps)).toMatchObject({
        acked: ['m0'],
      });
      expect(await urls()).toEqual([]);
    });

    test('is retried while the account does not answer', async () => {
      const deps = keeping({ verdict: 'unavailable' });
      expect(await deliver([await messageOf(put(hash))], deps)).toMatchObject({
        ...{ acked: [], retried: ['m0'] },
      });
    });
  });

  test('raises an alert while the database rejects chunks', async () => {
    const raised: AlertBody[] = [];
    const away = {
      prepare: () => {
        throw new Error('D1_ERROR: Network connection lost.');
      },
    } as unknown as D1Database;
    const batch = createMessageBatch(QUEUE, [
      {
        ...{ id: 'm0', timestamp: new Date(), attempts: 1 },
        body: (await cut(alice, 0, 3)) as unknown,
      },
    ]);
    const raise = async (alert: AlertBody) => raised.push(alert) > 0;
    await consumeAudit(
      batch,
      { db: away, projectDocument: projectWebhook, ...listeners(), raise },
      START,
    );
    expect((await getQueueResult(batch, createExecutionContext())).retryMessages).toHaveLength(1);
    expect(raised).toEqual([{ rule: 'database_unavailable', detail: {} }]);
  });
});

test('an offered grant is found by its hash once its entry is stored, even if the request could not write the row', async () => {
  const grant = word(77);
  const offered: EntryBody = {
    ...{ type: 'grant.issued', at: START, decision: 'offered' },
    evidence: { grant, delegation: { validUntil: `${START + 100}` } },
  };
  const message = await messageOf(history(ALICE, [offered]));
  expect(await deliver([message], listeners())).toEqual({ acked: ['m0'], retried: [] });
  expect(await openOfferedGrants(db).issuerOf(grant)).toBe(ALICE);
});
