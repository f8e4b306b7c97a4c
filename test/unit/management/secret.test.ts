import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { freshDatabase } from '../audit/database.ts';
import { sealedOf, secretOf, store } from '../vault/sealed.ts';
import { gatewayAccount } from '../../../src/config/config.ts';
import { governed, KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { answerOf, ask, config, NOW, TIMES } from './operations-world.ts';
import { scriptedContext, signedRequest } from './scripted-context.ts';
import { manage } from '../../../src/management/router.ts';

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

const HASH = `0x${'11'.repeat(32)}` as const;

test.each([
  [{}, 400],
  [{ weak: true }, 200],
])('stores a value that an agent could guess only with an override: %o', async (more, status) => {
  const { context } = await scriptedContext(config, {
    apply: async () => governed({ current: HASH, entry: { seq: 1, at: NOW } }),
  });
  const value = { kind: 'token', host: 'api.example', value: 'hunter2hunter', ...more };
  const request = await signedRequest(config, 'secrets.put', '/admin/secrets/weather', {
    fields: TIMES,
    headers: { 'If-None-Match': '*' },
    body: { ...value, blind: 'b'.repeat(43) },
  });
  const answer = await manage({ ...context, env: { VAULT_KEY: secretOf(1) } }, request);
  const text = await answer.text();
  expect([answer.status, text]).toEqual([status, expect.any(String)]);
  if (status === 400) expect(text).toContain('so that no agent can guess it');
});
