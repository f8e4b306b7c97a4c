import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { manage } from '../../../src/management/router.ts';
import { ROUTE_TABLE } from '../../../src/management/routes.ts';
import { policyHash } from '../../../src/policy/policy.ts';
import { KEY_ACCOUNT, network } from '../gateway/scripted.ts';
import { config, NOW, TIMES } from './operations-world.ts';
import { scriptedContext, signedRequest } from './scripted-context.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
  network(KEY_ACCOUNT);
  return () => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  };
});

const ask = async (of: Config, env: Readonly<Record<string, unknown>> = {}) => {
  const { context } = await scriptedContext(of);
  const request = await signedRequest(of, 'settings', '/admin/settings', { fields: TIMES });
  return manage({ ...context, env }, request);
};

describe('GET /admin/settings', () => {
  test('shows the configuration, and nothing that is secret', async () => {
    const answer = await ask({ ...config, paused: true, receiptKey: 'hunter2' });
    const body: unknown = await answer.json();
    expect(ROUTE_TABLE.settings.answer.safeParse(body).success).toBe(true);
    expect(body).toMatchObject({
      operators: config.operators,
      networks: config.networks,
      paused: true,
      default_policy: { perCall: '$5.00' },
      default_policy_hash: policyHash(config.policy),
    });
    const text = JSON.stringify(body);
    expect(text).not.toContain('hunter2');
    for (const url of config.rpcUrls.values()) expect(text).not.toContain(String(url));
  });

  test('names the address of traces only if there is one', async () => {
    expect(await (await ask(config)).json()).not.toHaveProperty('trace_url');
    const traceUrl = 'https://traces.example/trace/{trace}';
    expect(await (await ask({ ...config, traceUrl })).json()).toMatchObject({
      trace_url: traceUrl,
    });
  });

  test('names the days that D1 keeps only while there is an archive', async () => {
    expect(await (await ask(config)).json()).not.toHaveProperty('retain_days');
    const archived = await ask({ ...config, retainDays: 30 }, { AUDIT_ARCHIVE: {} });
    expect(await archived.json()).toMatchObject({ retain_days: 30 });
  });
});
