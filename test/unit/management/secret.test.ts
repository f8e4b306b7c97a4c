import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { freshDatabase } from '../audit/database.ts';
import { sealedOf, secretOf, store } from '../vault/sealed.ts';
import { gatewayAccount } from '../../../src/config/config.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { answerOf, ask, config, NOW } from './operations-world.ts';

beforeEach(async () => {
  await freshDatabase();
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
  network(KEY_ACCOUNT);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const stored = async () => store(await sealedOf({ owner: gatewayAccount(config) }));

test.each([
  [{}, 'unknown'],
  [{ VAULT_KEY: secretOf(2) }, 'unknown'],
  [{ VAULT_KEY: secretOf(1) }, 'current'],
  [{ VAULT_KEY: secretOf(2), VAULT_KEY_OLD: secretOf(1) }, 'old'],
])('lists secrets with whatever keys there are: %o', async (env, key) => {
  await stored();
  const { items } = await answerOf('secrets.list', '/admin/secrets', { env });
  expect(items).toMatchObject([{ name: 'weather', key }]);
});

test('answers 503 if D1 does not answer', async () => {
  const db = {
    prepare: () => {
      throw new Error('away');
    },
  } as unknown as D1Database;
  const answer = await ask('secrets.list', '/admin/secrets', { db });
  expect([answer.status, await answer.text()]).toEqual([
    503,
    expect.stringContaining('storage-unavailable'),
  ]);
});
