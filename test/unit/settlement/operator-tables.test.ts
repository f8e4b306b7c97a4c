import { applyD1Migrations, type D1Migration } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';
import { attemptsIn } from '../../../src/settlement/operator-tables.ts';
import { recordHealth } from '../../../src/settlement/operator-tables.ts';
import { messageFor, NOW, paymentNumber, TOKEN } from './scripted.ts';

const { AUDIT_DB: database, TEST_MIGRATIONS: migrations } = env as typeof env & {
  TEST_MIGRATIONS: D1Migration[];
};
const NETWORK = TOKEN.network;

beforeAll(async () => {
  await applyD1Migrations(database, migrations);
});

const rowsOf = async (table: 'attempts' | 'backends') =>
  (await database.prepare(`SELECT * FROM ${table}`).all()).results;

test('a later attempt overwrites an earlier one, never the reverse, and is deleted at the end', async () => {
  const attempts = attemptsIn(database);
  const { account, call } = messageFor(paymentNumber(1));
  const one = { account: account as `eip155:1:0x${string}`, call, attempts: 2, at: NOW };
  await attempts.record([
    { ...one, backend: 'a.test', error: 'x'.repeat(500) },
    { ...one, call: `0x${'99'.repeat(32)}` },
  ]);
  // No backend was tried this time: the last one stays.
  await attempts.record([{ ...one, attempts: 3, error: 'chain_unreadable', at: NOW + 8 }]);
  await attempts.record([{ ...one, attempts: 1, backend: 'b.test', at: NOW + 4 }]);
  await attempts.forget([{ ...one, call: `0x${'99'.repeat(32)}` }]);
  expect(await rowsOf('attempts')).toEqual([
    { account, call, attempts: 3, backend: 'a.test', error: 'chain_unreadable', at: NOW + 8 },
  ]);
  await attempts.forget([one, one]);
  await attempts.record([]);
  await attempts.forget([]);
  expect(await rowsOf('attempts')).toEqual([]);
});

test('stores an error of any length', async () => {
  const attempts = attemptsIn(database);
  const { account, call } = messageFor(paymentNumber(2));
  await attempts.record([
    {
      account: account as `eip155:1:0x${string}`,
      call,
      attempts: 1,
      error: 'x'.repeat(500),
      at: NOW,
    },
  ]);
  expect(await rowsOf('attempts')).toMatchObject([{ error: 'x'.repeat(200), backend: null }]);
});

test('a fresh isolate that only saw a few payments succeed does not write the health of a backend again', async () => {
  const one = { network: NETWORK, backend: 'quiet.test', state: 'closed', failed: 0 } as const;
  const stored = async () =>
    database.prepare("SELECT succeeded, at FROM backends WHERE backend = 'quiet.test'").first();
  await recordHealth(database, [{ ...one, succeeded: 1 }], NOW);
  expect(await stored()).toEqual({ succeeded: 1, at: NOW });
  await recordHealth(database, [{ ...one, succeeded: 9 }], NOW + 60);
  expect(await stored()).toEqual({ succeeded: 1, at: NOW });
  await recordHealth(database, [{ ...one, succeeded: 10 }], NOW + 120);
  expect(await stored()).toEqual({ succeeded: 10, at: NOW + 120 });
  await recordHealth(database, [{ ...one, succeeded: 1, failed: 1 }], NOW + 180);
  expect(await stored()).toEqual({ succeeded: 1, at: NOW + 180 });
  await database.prepare('DELETE FROM backends').run();
});

test('newer health of a backend overwrites older health, never the reverse', async () => {
  const one = {
    network: NETWORK,
    backend: 'a.test',
    state: 'open',
    succeeded: 1,
    failed: 2,
  } as const;
  await recordHealth(database, [{ ...one, lastError: 'x'.repeat(500), lastErrorAt: NOW }], NOW);
  expect(await rowsOf('backends')).toMatchObject([{ last_error: 'x'.repeat(200), at: NOW }]);
  await recordHealth(database, [{ ...one, state: 'closed', succeeded: 9 }], NOW + 5);
  await recordHealth(database, [one], NOW + 1);
  await recordHealth(database, [], NOW + 9);
  expect(await rowsOf('backends')).toEqual([
    {
      network: NETWORK,
      backend: 'a.test',
      state: 'closed',
      succeeded: 9,
      failed: 2,
      last_error: null,
      last_error_at: null,
      at: NOW + 5,
    },
  ]);
});
