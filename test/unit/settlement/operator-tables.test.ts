import { applyD1Migrations, type D1Migration } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, expect, test } from 'vitest';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { type Attempt, attemptsIn, recordHealth } from '../../../src/settlement/operator-tables.ts';
import { messageFor, NOW, paymentNumber, TOKEN } from './scripted.ts';

const { AUDIT_DB: database, TEST_MIGRATIONS: migrations } = env as typeof env & {
  TEST_MIGRATIONS: D1Migration[];
};
const NETWORK = TOKEN.network;
const OTHER = `0x${'99'.repeat(32)}` as const;

beforeAll(async () => {
  await applyD1Migrations(database, migrations);
});

const rowsOf = async (table: 'attempts' | 'backends') =>
  (await database.prepare(`SELECT * FROM ${table}`).all()).results;

const attemptsOf = (number: number) => {
  const { account, call } = messageFor(paymentNumber(number));
  const attempt: Attempt = { account: account as AccountId, call, attempts: 1, at: NOW };
  return { tables: attemptsIn(database), account, call, attempt };
};

test('each attempt of a payment has a row, numbered over all its messages, until they are deleted', async () => {
  const { tables, account, call, attempt } = attemptsOf(1);
  await tables.record([
    { ...attempt, attempts: 2, backend: 'a.test', error: 'timeout' },
    { ...attempt, call: OTHER },
  ]);
  await tables.record([{ ...attempt, attempts: 3, error: 'chain_unreadable', at: NOW + 8 }]);
  // The account has sent a new message, whose deliveries count from 1 again.
  await tables.record([{ ...attempt, attempts: 1, backend: 'b.test', at: NOW + 300 }]);
  await tables.forget([{ account: account as AccountId, call: OTHER }]);
  expect(await rowsOf('attempts')).toEqual([
    { account, call, attempt: 2, backend: 'a.test', error: 'timeout', at: NOW },
    { account, call, attempt: 3, backend: null, error: 'chain_unreadable', at: NOW + 8 },
    { account, call, attempt: 4, backend: 'b.test', error: null, at: NOW + 300 },
  ]);
  await tables.forget([attempt, attempt]);
  await tables.record([]);
  await tables.forget([]);
  expect(await rowsOf('attempts')).toEqual([]);
});

test('two isolates that got one delivery each have a row', async () => {
  const { tables, attempt } = attemptsOf(2);
  const twice = ['a.test', 'b.test'].map((backend) => ({ ...attempt, attempts: 5, backend }));
  await Promise.all(twice.map(async (each) => tables.record([each])));
  const stored = (await rowsOf('attempts')) as { attempt: number; backend: string }[];
  expect(stored.map((row) => row.attempt)).toEqual([5, 6]);
  expect(new Set(stored.map(({ backend }) => backend))).toEqual(new Set(['a.test', 'b.test']));
  await tables.forget([attempt]);
});

test('a payment keeps its newest 20 attempts, and other payments keep theirs', async () => {
  const { tables, attempt } = attemptsOf(3);
  await tables.record([{ ...attempt, call: OTHER }]);
  for (let at = 1; at <= 25; at += 1) {
    await tables.record([{ ...attempt, attempts: (at % 12) + 1, at: NOW + at }]);
  }
  const stored = (await rowsOf('attempts')) as { call: string; at: number }[];
  const times = stored.filter(({ call }) => call === attempt.call).map(({ at }) => at - NOW);
  expect(times).toEqual(Array.from({ length: 20 }, (_, at) => at + 6));
  expect(stored).toHaveLength(21);
  await tables.forget([attempt, { ...attempt, call: OTHER }]);
});

test('stores an error of any length', async () => {
  const { tables, attempt } = attemptsOf(4);
  await tables.record([{ ...attempt, error: 'x'.repeat(500) }]);
  expect(await rowsOf('attempts')).toMatchObject([{ error: 'x'.repeat(200), backend: null }]);
  await tables.forget([attempt]);
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
