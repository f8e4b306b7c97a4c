import { beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { storeChunk } from '../../../src/audit/store.ts';
import { ok } from '../../../src/core/result.ts';
import type { RouteId } from '../../../src/management/endpoint.ts';
import { manage } from '../../../src/management/router.ts';
import { ROUTES } from '../../../src/management/routes.ts';
import { unlessUnchanged } from '../../../src/management/unless-unchanged.ts';
import type { Entry, EntryBody } from '../../../src/protocol/entry.ts';
import { countedDatabase } from '../../cost/counted-database.ts';
import { interceptedDatabase } from '../../support/intercepted-database.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { db, freshDatabase, messageOf } from '../audit/database.ts';
import {
  accepted,
  accountOf,
  ALICE,
  committed,
  denied,
  history,
  kept,
  MALLORY,
  resolved,
  settled,
  START,
} from '../audit/history.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { addressOf, vectorConfig } from '../gateway/signing.ts';
import { scriptedContext, signedRequest } from './scripted-context.ts';
import { happen } from './walk.ts';

const config: Config = { ...vectorConfig(), operators: [addressOf('owner')] };

useVectorsClock();
beforeEach(async () => {
  network(KEY_ACCOUNT);
  await freshDatabase();
});

/** A database that counts the rows that its statements read and write. */
const counting = () => {
  const rows = { databaseQueries: 0, databaseRead: 0, databaseWritten: 0 };
  const database = countedDatabase(db, {
    add: (name, more = 1) => {
      rows[name as keyof typeof rows] += more;
    },
  });
  return { database, rows };
};

/** Reads a path as the operator. */
const read = async (id: RouteId, path: string, etag?: string) => {
  const { database, rows } = counting();
  const { context } = await scriptedContext(config);
  const headers = etag === undefined ? {} : { 'If-None-Match': etag };
  const request = await signedRequest(config, id, path, { headers });
  const answer = await manage({ ...context, db: database }, request);
  return { status: answer.status, etag: answer.headers.get('ETag') ?? '', rows, answer };
};

/** Stores a chunk. @returns the rows that D1 bills */
const store = async (entries: readonly Entry[]): Promise<number> => {
  const stored = await storeChunk(db, await messageOf(entries), START);
  if (!stored.ok) throw new Error(stored.error.kind);
  return stored.value.rowsWritten;
};

const label = (text: string): EntryBody => ({
  type: 'account.label',
  at: START,
  outcome: { label: text },
});

describe('a list of the log that is read again', () => {
  test.each([
    ['overview', '/admin/overview'],
    ['account.overview', `/accounts/${ALICE}/overview`],
    ['spend', '/admin/spend?by=account&order=charged'],
    ['account.spend', `/accounts/${ALICE}/spend?by=day`],
    ['calls.list', '/admin/calls'],
    ['account.calls', `/accounts/${ALICE}/calls`],
    ['account.tree.calls', `/accounts/${ALICE}/tree/calls`],
    ['changes.list', '/admin/charge-changes'],
    ['account.changes', `/accounts/${ALICE}/charge-changes`],
    ['accounts.list', '/admin/accounts'],
    ['approvals.list', '/admin/approvals'],
    ['account.approvals', `/accounts/${ALICE}/approvals`],
  ] as const)('costs one row of D1 while nothing has changed: %s', async (id, path) => {
    await happen(ALICE, [accepted(1), committed(1)]);
    const first = await read(id, path);
    expect([first.status, first.etag]).toEqual([200, expect.stringMatching(/^W\/".+"$/)]);
    const second = await read(id, path, first.etag);
    expect([second.status, second.etag]).toEqual([304, first.etag]);
    expect(second.rows).toEqual({ databaseQueries: 1, databaseRead: 1, databaseWritten: 0 });
    expect(await second.answer.text()).toBe('');
  });

  test.each<[string, readonly EntryBody[]]>([
    ['a call was accepted', [accepted(2)]],
    ['a call ended', [committed(1)]],
    ['a payment settled', [settled(1)]],
    ['a call was denied', [denied(3)]],
    ['an account got another name', [label('Crawler')]],
    ['an operator changed a charge', [resolved(5, 'credit', 'charged')]],
  ])('is answered again once %s', async (_, changes) => {
    const before = [accepted(1), accepted(5), kept(5, 'credit')];
    const entries = history(ALICE, [...before, ...changes]);
    await store(entries.slice(0, before.length));
    const first = await read('overview', '/admin/overview');
    await store(entries.slice(before.length));
    const second = await read('overview', '/admin/overview', first.etag);
    expect(second.status).toBe(200);
    expect(second.etag).not.toBe(first.etag);
    expect((await read('overview', '/admin/overview', second.etag)).status).toBe(304);
  });

  test('is the only answer with such a tag', async () => {
    const tagged = ROUTES.filter(({ readsLog }) => readsLog === true);
    expect(tagged).toHaveLength(12);
    expect((await read('settlements.list', '/admin/settlements')).etag).toBe('');
  });
});

const NOW = START;
const DAY = 86_400;
const reply = async () => ok(Response.json({ items: [] }));

/** Reads once, with the tag of an earlier answer. */
const ask = async (etag = '', now = NOW, database = db, answer = reply) => {
  const headers = new Headers({ 'If-None-Match': etag });
  const found = await unlessUnchanged(database, headers, now, answer);
  if (!found.ok) throw new Error(found.error.reason);
  return { status: found.value.status, etag: found.value.headers.get('ETag') ?? undefined };
};

describe('a tag', () => {
  test('ends with the UTC day', async () => {
    const { etag } = await ask();
    expect((await ask(etag, NOW)).status).toBe(304);
    expect((await ask(etag, NOW + DAY)).status).toBe(200);
  });

  test('is the same for every reader until the log changes', async () => {
    const [one, other] = await Promise.all([ask(), ask()]);
    expect(other?.etag).toBe(one?.etag);
  });

  test('does not cover a chunk that is stored while its answer is read', async () => {
    const { etag } = await ask('', NOW, db, async () => {
      await happen(MALLORY, [accepted(1)]);
      return reply();
    });
    expect((await ask(etag)).status).toBe(200);
  });

  test('is missing if D1 does not answer, and the answer is not', async () => {
    const away = interceptedDatabase(db, () => Promise.reject(new Error('away')));
    expect(await ask('', NOW, away)).toEqual({ status: 200, etag: undefined });
  });

  test('costs a chunk one row, and none while nobody reads', async () => {
    const costOf = (seed: number) => store(history(accountOf(seed), [accepted(seed)]));
    const unread = await costOf(1);
    await ask();
    expect(await costOf(2)).toBe(unread + 1);
    expect(await costOf(3)).toBe(unread);
  });
});
