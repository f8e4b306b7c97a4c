import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import type { Tool } from '../../../src/catalog/tool.ts';
import { openEgress, type VaultDeps } from '../../../src/vault/vault.ts';
import { endSecret } from '../../../src/vault/secret-table.ts';
import { listSecretUses } from '../../../src/vault/secret-uses.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { toolOf } from '../gateway/fixture.ts';
import { OWNER, sealedOf, secretOf, store, TOKEN } from './sealed.ts';

const START = 1_800_000_000;

beforeEach(async () => {
  await freshDatabase();
  vi.useFakeTimers({ toFake: ['Date'], now: START * 1_000 });
});
afterEach(async () => {
  await Promise.all(kept);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1_000);

/** The background work of a test's isolates. */
const kept: Promise<unknown>[] = [];

/** A vault with an isolate memory of its own, on the test's database. Counts its queries; `isAway` makes them fail. */
const isolate = (env: object = { VAULT_KEY: secretOf(1) }) => {
  const alerts: AlertBody[] = [];
  const state = { queries: 0, isAway: false };
  const counted = new Proxy(db, {
    get: (target, name) => {
      if (name !== 'prepare') return (Reflect.get(target, name) as () => unknown).bind(target);
      return (sql: string) => {
        state.queries += 1;
        if (state.isAway) throw new Error('away');
        return target.prepare(sql);
      };
    },
  });
  const deps: VaultDeps = {
    ...{ db: counted, env, owner: OWNER, upstreamUrl: undefined, reach: 'public' },
    raise: async (alert) => alerts.push(alert) > 0,
    waitUntil: (promise) => void kept.push(promise),
  };
  const settle = async () => await Promise.all(kept);
  return { deps, alerts, state, settle };
};

const tool = (changes: Partial<Tool> = {}): Tool =>
  toolOf({
    ...{ upstream: 'https://api.example/v1' },
    secrets: [{ in: 'header', secret: 'weather', name: 'x-api-key', prefix: '' }],
    ...changes,
  });
const answering = (body: () => string) => {
  const fetched = vi.fn<() => Promise<Response>>(async () => new Response(body()));
  vi.stubGlobal('fetch', fetched);
  return fetched;
};
const call = async ({ deps }: ReturnType<typeof isolate>, of = tool()) => {
  const opened = await openEgress(deps, of);
  if (!opened.ok) return opened.error.reason;
  return await (await opened.value.fetch('https://api.example/v1', {})).text();
};

test('a warm call reads nothing and writes nothing', async () => {
  await store(await sealedOf({}, 'sk-live-12345678'));
  answering(() => 'fine');
  const warm = isolate();
  expect(await call(warm)).toBe('fine');
  await warm.settle();
  const before = warm.state.queries;
  const of = tool();
  for (let calls = 0; calls < 20; calls += 1) expect(await call(warm, of)).toBe('fine');
  expect(warm.state.queries).toBe(before);
});

test('a removed secret is used for at most a minute, and a new one within two seconds', async () => {
  const { deps, ...more } = isolate();
  answering(() => 'fine');
  expect(await call({ deps, ...more })).toBe('secret_unavailable');
  await store(await sealedOf({}, 'sk-live-12345678'));
  pass(2);
  expect(await call({ deps, ...more })).toBe('fine');
  await db.batch(endSecret(db, { owner: OWNER, name: 'weather', seq: 9, at: START }));
  pass(60);
  expect(await call({ deps, ...more })).toBe('secret_unavailable');
});

test('an outage of the database stops no call for ten minutes, and then refuses it', async () => {
  await store(await sealedOf({}, 'sk-live-12345678'));
  answering(() => 'fine');
  const vault = isolate();
  await call(vault);
  vault.state.isAway = true;
  pass(599);
  expect(await call(vault)).toBe('fine');
  pass(2);
  expect(await call(vault)).toBe('storage_unavailable');
});

test('refuses a call whose secret is missing, locked, damaged or bound elsewhere, before anything is sent', async () => {
  await store(await sealedOf({}, 'sk-live-12345678'));
  const fetched = answering(() => 'fine');
  const secrets = [{ in: 'header', secret: 'nothing', name: 'x-api-key' }];
  expect(await call(isolate(), tool({ secrets }))).toBe('secret_unavailable');
  expect(await call(isolate(), tool({ upstream: 'https://other.example/' }))).toBe(
    'secret_unavailable',
  );
  expect(await call(isolate({ VAULT_KEY: secretOf(2) }))).toBe('secret_unavailable');
  expect(await call(isolate({}))).toBe('secret_unavailable');
  expect(await call(isolate({ VAULT_KEY: secretOf(2), VAULT_KEY_OLD: secretOf(1) }))).toBe('fine');
  await db.prepare(`UPDATE secrets SET body = randomblob(length(body))`).run();
  expect(await call(isolate())).toBe('secret_unavailable');
  expect(fetched).toHaveBeenCalledTimes(1);
});

test('a secret that comes back raises one alert an hour, which names no value', async () => {
  await store(await sealedOf({}, 'sk-live-12345678'));
  answering(() => 'you sent sk-live-12345678');
  const vault = isolate();
  expect(await call(vault)).toBe('you sent [secret:weather]');
  await call(vault);
  expect(vault.alerts).toEqual([
    { rule: 'secret_returned', detail: { tool: 'echo', secret: 'weather', host: 'api.example' } },
  ]);
  pass(3_600);
  await call(vault);
  expect(vault.alerts).toHaveLength(2);
});

test('notes the last use by a tool once an hour', async () => {
  await store(await sealedOf({}, TOKEN));
  answering(() => 'fine');
  const vault = isolate();
  await call(vault);
  pass(1_000);
  await call(vault);
  await vault.settle();
  expect(await listSecretUses(db, OWNER)).toEqual([{ name: 'weather', tool: 'echo', at: START }]);
  // Another isolate writes no second row for the same hour.
  const second = isolate();
  await call(second);
  await second.settle();
  expect(await listSecretUses(db, OWNER)).toEqual([{ name: 'weather', tool: 'echo', at: START }]);
  pass(2_600);
  await call(vault);
  await vault.settle();
  expect((await listSecretUses(db, OWNER)).map(({ at }) => at)).toEqual([START + 3_600]);
});
