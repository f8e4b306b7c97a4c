import { createExecutionContext, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, expect, test, vi } from 'vitest';
import { isElsewhere } from '../../../durable-objects/elsewhere.ts';
import type { AgentAccount } from '../../../durable-objects/account/agent-account.ts';
import { publishTexts } from '../../../src/catalog/publish-texts.ts';
import { gatewayAccount, parseConfig } from '../../../src/config/config.ts';
import { placementFault } from '../../../src/config/placement.ts';
import { startFault } from '../../../src/config/start-fault.ts';
import { countersign } from '../../../src/worker/index.ts';
import tools from '../../../tools.json';
import { db, freshDatabase } from '../audit/database.ts';

beforeEach(async () => {
  await freshDatabase();
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});

const asOf = async (): Promise<string | null> =>
  db.prepare('SELECT jurisdiction FROM placement').first<string>('jurisdiction');

test('the first start stores its jurisdiction, and only the same one may start again', async () => {
  expect(await placementFault(db, 'eu')).toBeUndefined();
  expect(await placementFault(db, 'eu')).toBeUndefined();
  for (const other of ['none', 'us'] as const)
    expect(await placementFault(db, other)).toMatchObject({
      reason: 'misconfigured',
      faults: [
        {
          name: 'JURISDICTION',
          reason: expect.stringContaining('Set it to "eu" again') as string,
        },
      ],
    });
  expect(await asOf()).toBe('eu');
});

test('of two versions that start at once in two jurisdictions, one is refused', async () => {
  const faults = await Promise.all([placementFault(db, 'eu'), placementFault(db, 'us')]);
  expect(faults.filter((fault) => fault === undefined)).toHaveLength(1);
});

const away = { prepare: () => ({ first: () => Promise.reject(new Error('away')) }) } as never;
const refused = { reason: 'storage_unavailable' };

test('a database that does not answer refuses', async () => {
  expect(await placementFault(away, 'none')).toEqual(refused);
});

test('while the database is silent, a gateway starts only where it has started before', async () => {
  const started = { ...watched('').bindings, AGENT_ACCOUNT: env.AGENT_ACCOUNT, AUDIT_DB: away };
  const config = parseConfig(started, tools, []);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  expect(await startFault(started, config.value)).toEqual(refused);
  const account = env.AGENT_ACCOUNT.getByName(gatewayAccount(config.value));
  await publishTexts(account as never, `0x${'11'.repeat(32)}`, [], config.value.policy);
  expect(await startFault(started, config.value)).toBeUndefined();
  const gone = { getByName: () => ({ entries: () => Promise.reject(new Error('gone')) }) };
  expect(await startFault({ ...started, AGENT_ACCOUNT: gone as never }, config.value)).toEqual(
    refused,
  );
  const silent = { getByName: () => ({ entries: () => new Promise(() => undefined) }) };
  vi.useFakeTimers();
  const waiting = startFault({ ...started, AGENT_ACCOUNT: silent as never }, config.value);
  await vi.advanceTimersByTimeAsync(2_000);
  vi.useRealTimers();
  expect(await waiting).toEqual(refused);
});

/** An environment whose bindings to objects fail the test when the Worker looks one up. */
const watched = (JURISDICTION: string) => {
  const looked: string[] = [];
  const namespace = (): never =>
    ({
      jurisdiction: namespace,
      getByName: (name: string) => (looked.push(name), new Proxy({}, { get: () => undefined })),
    }) as never;
  const bindings: Env = {
    ...env,
    ...{ JURISDICTION, LOCAL_STACK: 'false' },
    ...{ AGENT_ACCOUNT: namespace(), RELAYER: namespace(), AUDIT_LOG: namespace() },
    RPC_URLS: JSON.stringify({ 'eip155:84532': ['https://rpc.example'] }),
    FACILITATORS: JSON.stringify([{ url: 'https://facilitator.example' }]),
    UPSTREAM_URL: 'https://upstream.example',
    LOG_KEY: env.RECEIPT_KEY,
  } as Env;
  return { looked, bindings };
};

test('a Worker of another jurisdiction touches no object, whatever starts it', async () => {
  await placementFault(db, 'us');
  const { looked, bindings } = watched('eu');
  const worker = countersign({ tools, next: { fetch: () => new Response('free') } });
  const ask = async (path: string, method = 'GET') =>
    worker.fetch(
      new Request(`https://gateway.example${path}`, { method }) as never,
      bindings,
      createExecutionContext(),
    );
  const paths = [
    '/healthz',
    '/tools/word',
    '/free',
    '/accounts/me',
    '/admin/tools',
    '/log/2026/checkpoint',
  ];
  for (const path of paths) {
    const answer = await ask(path);
    expect(answer.status, path).toBe(503);
    expect(await answer.text(), path).toContain('JURISDICTION');
  }
  const ready = await ask('/readyz');
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'unavailable' }]);
  const retryAll = vi.fn<() => void>();
  const batch = {
    queue: 'countersign-settlement',
    messages: [],
    retryAll,
    ackAll: () => undefined,
  };
  await worker.queue(batch as never, bindings, createExecutionContext());
  expect(retryAll).toHaveBeenCalledOnce();
  const due = { cron: '* * * * *', scheduledTime: Date.now(), noRetry: () => undefined };
  await worker.scheduled(due as never, bindings, createExecutionContext());
  expect(looked).toEqual([]);
});

test('a Worker of the stored jurisdiction looks its objects up there', async () => {
  await placementFault(db, 'us');
  const { looked, bindings } = watched('us');
  const worker = countersign({ tools });
  await worker.fetch(
    new Request('https://gateway.example/') as never,
    bindings,
    createExecutionContext(),
  );
  expect(looked).not.toEqual([]);
});

test('an object in another jurisdiction keeps its messages until the variable is right again', async () => {
  await placementFault(db, 'none');
  expect(await isElsewhere({ jurisdiction: 'eu' }, { ...env, JURISDICTION: 'eu' })).toBe(false);
  expect(await isElsewhere({}, { ...env, JURISDICTION: 'eu' })).toBe(true);
  expect(await isElsewhere({}, { AUDIT_DB: away, JURISDICTION: '' })).toBe(false);
  expect(await isElsewhere({}, { AUDIT_DB: away, JURISDICTION: 'eu' })).toBe(true);
  const stub = env.AGENT_ACCOUNT.getByName(`eip155:84532:0x${'5e'.repeat(20)}`);
  await runInDurableObject(stub, async (account: AgentAccount, state) => {
    Reflect.set(account, 'env', { ...env, JURISDICTION: 'eu' });
    await state.storage.setAlarm(Date.now() + 1_000);
  });
  const before = Date.now();
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  const next = await runInDurableObject(stub, async (_, state) => state.storage.getAlarm());
  expect(next).toBeGreaterThan(before + 500_000);
});
