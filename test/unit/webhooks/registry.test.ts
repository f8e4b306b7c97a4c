import { beforeEach, describe, expect, test } from 'vitest';
import { GENESIS } from '../../../src/audit/entry.ts';
import type { Entry, EntryBody } from '../../../src/protocol/entry.ts';
import type { WebhookDocument } from '../../../src/webhooks/document.ts';
import { webhookHash } from '../../../src/webhooks/document.ts';
import {
  findWebhook,
  listWebhooks,
  MAX_WEBHOOKS,
  projectWebhook,
  putWebhook,
  type WebhookPut,
} from '../../../src/webhooks/registry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { ALICE, history, MALLORY, START } from '../audit/history.ts';
import { SELF } from './world.ts';

const OTHER = MALLORY;
const document: WebhookDocument = { url: 'https://hooks.example.com/', events: ['*'] };
const other: WebhookDocument = { url: 'https://other.example.com/', events: ['debt'] };

const putOf = (changes: Partial<WebhookPut> = {}): WebhookPut => ({
  scope: ALICE,
  id: 'ops',
  document,
  holder: SELF,
  seq: 5,
  at: START,
  ...changes,
});

const put = async (changes: Partial<WebhookPut> = {}) => putWebhook(db, putOf(changes));
const find = async () => findWebhook(db, ALICE, 'ops');
const disable = async () =>
  db
    .prepare(
      "UPDATE webhooks SET state = 'disabled', reason = 'gone', disabled_at = 1, failures = 3",
    )
    .run();

beforeEach(freshDatabase);

describe('a webhook', () => {
  test('is found and listed as it was written', async () => {
    expect(await put()).toEqual({ verdict: 'put' });
    const stored = {
      ...{ scope: ALICE, id: 'ops', document, hash: webhookHash(document), state: 'active' },
      ...{ failures: 0, holder: SELF, seq: 5, at: START },
    };
    expect(await find()).toEqual(stored);
    expect(await listWebhooks(db, ALICE)).toEqual([stored]);
    expect(await listWebhooks(db, MALLORY)).toEqual([]);
    expect(await listWebhooks(db, '*')).toEqual([]);
    expect(await findWebhook(db, MALLORY, 'ops')).toBeUndefined();
  });

  test('is not changed by an older entry, nor enabled by the same one again', async () => {
    await put();
    expect(await put({ seq: 4, document: other })).toEqual({ verdict: 'put' });
    expect(await find()).toMatchObject({ document, seq: 5 });
    await disable();
    await put();
    expect(await find()).toMatchObject({ state: 'disabled', reason: 'gone', disabledAt: 1 });
  });

  test('is enabled when it is written again', async () => {
    await put();
    await disable();
    await put({ seq: 6 });
    expect(await find()).toMatchObject({ state: 'active', failures: 0, seq: 6 });
    expect(await find()).not.toHaveProperty('reason');
    expect(await find()).not.toHaveProperty('disabledAt');
  });

  test('is removed, and no older entry restores it', async () => {
    await put();
    await put({ seq: 7, document: null });
    expect(await find()).toBeUndefined();
    expect(await listWebhooks(db, ALICE)).toEqual([]);
    await put({ seq: 6, document: other });
    expect(await find()).toBeUndefined();
    await put({ seq: 8, document: other });
    expect(await find()).toMatchObject({ document: other });
  });

  test('is removed with its log and messages', async () => {
    await put();
    const insert = (scope: string) => [
      db.prepare("INSERT INTO webhook_messages VALUES (?, 'ops', 'm', 1, 1, 1)").bind(scope),
      db
        .prepare(
          `INSERT INTO webhook_deliveries VALUES (?, 'ops', 1, 'm', 1, 't', NULL, NULL, NULL, 200, NULL, 1, 'delivered', NULL)`,
        )
        .bind(scope),
    ];
    await db.batch([...insert(ALICE), ...insert('*')]);
    await put({ seq: 4, document: null });
    const left = async (table: string) =>
      (await db.prepare(`SELECT scope FROM ${table}`).all()).results.map(({ scope }) => scope);
    expect(await left('webhook_messages')).toHaveLength(2);
    await put({ seq: 6, document: null });
    expect(await left('webhook_messages')).toEqual(['*']);
    expect(await left('webhook_deliveries')).toEqual(['*']);
  });

  test('is forgotten a month after its removal', async () => {
    await put({ document: null });
    await put({ id: 'other', at: START + 31 * 86_400 });
    const { results } = await db.prepare('SELECT id FROM webhooks').all();
    expect(results).toEqual([{ id: 'other' }]);
  });

  test('of a new gateway account is ordered by time, because its chain starts anew', async () => {
    await put({ seq: 50 });
    await put({ seq: 1, holder: OTHER, document: other, at: START + 10 });
    expect(await find()).toMatchObject({ document: other, holder: OTHER });
    await put({ seq: 51, holder: SELF, at: START + 5 });
    expect(await find()).toMatchObject({ document: other });
  });
});

describe('a scope', () => {
  test('has at most twenty webhooks, also if thirty are written at once', async () => {
    const puts = Array.from({ length: 30 }, async (_, index) =>
      put({ id: `hook-${index}`, seq: index + 1 }),
    );
    const verdicts = (await Promise.all(puts)).map(({ verdict }) => verdict);
    expect(verdicts.filter((verdict) => verdict === 'put')).toHaveLength(MAX_WEBHOOKS);
    expect(verdicts.filter((verdict) => verdict === 'full')).toHaveLength(10);
    expect(await listWebhooks(db, ALICE)).toHaveLength(MAX_WEBHOOKS);
    // An existing webhook may be replaced, another scope has twenty of its own, and a removal frees a slot.
    const [first] = await listWebhooks(db, ALICE);
    expect(await put({ id: first?.id ?? '', seq: 100, document: other })).toEqual({
      verdict: 'put',
    });
    expect(await findWebhook(db, ALICE, first?.id ?? '')).toMatchObject({ document: other });
    expect(await put({ scope: MALLORY })).toEqual({ verdict: 'put' });
    await put({ id: first?.id ?? '', seq: 101, document: null });
    expect(await put({ id: first?.id ?? '', seq: 102 })).toEqual({ verdict: 'put' });
    await put({ id: first?.id ?? '', seq: 103, document: null });
    expect(await put({ id: 'another', seq: 104 })).toEqual({ verdict: 'put' });
    expect(await put({ id: first?.id ?? '', seq: 105 })).toEqual({ verdict: 'full' });
  });
});

describe('an entry', () => {
  const project = async (...bodies: EntryBody[]) => {
    const entries: Entry[] = history(ALICE, bodies, { ...GENESIS, seq: 4 });
    const statements = entries.flatMap((entry) => projectWebhook(db, entry));
    if (statements.length > 0) await db.batch(statements);
    return statements.length;
  };
  const putEntry = (name: string, value: unknown): EntryBody => ({
    type: 'webhook.put',
    at: START,
    outcome: { name },
    evidence: { document: value as never },
  });
  const removed = (name: string): EntryBody => ({
    type: 'webhook.removed',
    at: START,
    outcome: { name },
  });

  test('writes and removes a webhook', async () => {
    await project(putEntry(`${ALICE}/ops`, document));
    expect(await find()).toMatchObject({ document, holder: ALICE, seq: 5 });
    await project(putEntry(`${ALICE}/ops`, document), removed(`${ALICE}/ops`));
    expect(await find()).toBeUndefined();
  });

  test('with scope * writes a webhook of scope *', async () => {
    await project(putEntry('*/ops', other));
    expect(await listWebhooks(db, '*')).toMatchObject([{ id: 'ops', document: other }]);
  });

  test('changes nothing after the request that wrote it', async () => {
    await put({ holder: ALICE });
    await disable();
    await project(putEntry(`${ALICE}/ops`, document));
    expect(await find()).toMatchObject({ state: 'disabled' });
  });

  test('with an unreadable document removes the webhook that it replaced', async () => {
    await put({ seq: 1, holder: ALICE });
    await project(putEntry(`${ALICE}/ops`, { ...document, secret: 'of a later release' }));
    expect(await find()).toBeUndefined();
  });

  test('of another kind, or without a name, changes nothing', async () => {
    expect(await project({ type: 'tool.put', at: START, outcome: { name: '*/ops' } })).toBe(0);
    expect(await project(putEntry('ops', document), removed('**'))).toBe(0);
    expect(await project({ type: 'webhook.put', at: START })).toBe(0);
    expect(await project(putEntry(`${MALLORY}/ops`, document))).toBe(0);
  });
});
