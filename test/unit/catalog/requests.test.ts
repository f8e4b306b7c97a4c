import { runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { configOf } from '../../support/deployed.ts';
import { gatewayAccount } from '../../../src/config/config.ts';
import type { CommandIntent, CommandSigner } from '../../../src/protocol/account/command.ts';
import type { Json } from '../../../src/protocol/entry.ts';
import { AgentAccount } from '../../../durable-objects/account/agent-account.ts';
import { freshDatabase } from '../audit/database.ts';
import { documentOf } from './documents.ts';

/** Calls the Worker itself in separate requests. Each has its own I/O context and must not wait for another's. */
const ask = async (path: string): Promise<number> => {
  const answer = await exports.default.fetch(`https://gateway.example${path}`);
  await answer.body?.cancel();
  return answer.status;
};
const together = (count: number, path: string) =>
  Promise.all(Array.from({ length: count }, () => ask(path)));

let clock = Date.now();
const later = (seconds: number) => {
  clock += seconds * 1_000;
  vi.setSystemTime(clock);
};

const self = () => {
  const config = configOf(env);
  if (!config.ok) throw new Error('no config');
  return env.AGENT_ACCOUNT.getByName(gatewayAccount(config.value));
};
const intent: CommandIntent = { fields: {}, signature: `0x${'55'.repeat(65)}` };
const by: CommandSigner = { account: `eip155:84532:0x${'11'.repeat(20)}`, role: 'operator' };

/** Adds or removes a tool, as an operator would. */
const write = async (name: string, document: Json | null): Promise<void> => {
  const expected = (await isKnown(name)) ? '*' : 'none';
  const governed = await self().apply({
    ...{ kind: 'document', type: 'tool', name, document, expected, by, intent },
  });
  expect(governed).toMatchObject({ verdict: 'applied', changed: true });
};
const isKnown = async (name: string): Promise<boolean> =>
  (await self().document('tool', name)).verdict !== 'unknown';

beforeAll(async () => {
  await freshDatabase();
});
beforeEach(() => {
  vi.useFakeTimers({ now: clock, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('concurrent requests', () => {
  it('are all answered, by a fresh isolate and by one with an old catalogue', async () => {
    await write('fresh', documentOf('fresh'));
    later(5);
    expect(await together(40, '/tools/fresh')).toEqual(Array.from({ length: 40 }, () => 402));
    await write('fresh', null);
    later(5);
    expect(await together(40, '/tools/fresh')).toEqual(Array.from({ length: 40 }, () => 404));
  });

  it('share one background read, and see later changes', async () => {
    later(100);
    expect(await ask('/tools/later')).toBe(404);
    await write('later', documentOf('later'));
    later(3);
    const reads = vi.spyOn(AgentAccount.prototype, 'documentsSince');
    expect(await together(40, '/tools/later')).toEqual(Array.from({ length: 40 }, () => 404));
    await vi.waitFor(async () => expect(await ask('/tools/later')).toBe(402), { timeout: 30_000 });
    expect(reads).toHaveBeenCalledOnce();
    expect(await ask('/tools/later')).toBe(402);
  });

  it('get no disabled tool', async () => {
    later(100);
    await write('later', documentOf('later', { disabled: true }));
    expect(await ask('/tools/later')).toBe(404);
  });
});

describe('without D1', () => {
  it('serves the newest terms of a tool without asking D1', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const prepare = vi.spyOn(env.AUDIT_DB, 'prepare').mockImplementation(() => {
      throw new Error('D1_ERROR: Network connection lost.');
    });
    await write('outage', documentOf('outage'));
    later(600);
    expect(await ask('/tools/outage')).toBe(402);
    expect(await ask('/tools/lookup')).toBe(402);
    await write('outage', null);
    later(5);
    expect(await ask('/tools/outage')).toBe(404);
    expect(prepare).not.toHaveBeenCalled();
  });
});

describe('an account that keeps tools', () => {
  it('reads no row for an isolate that is up to date', async () => {
    const { top } = await self()
      .documentsSince('tool', 0)
      .then((found) => (found.verdict === 'found' ? found : { top: -1 }));
    expect(top).toBeGreaterThan(0);
    const read = await runInDurableObject(self(), async (object: AgentAccount, { storage }) => {
      const exec = vi.spyOn(storage.sql, 'exec');
      const same = await object.documentsSince('tool', top);
      expect(same).toEqual({ verdict: 'found', top, documents: [] });
      // Every answer accesses storage once, so that an object that the runtime has replaced fails.
      const statements = exec.mock.calls.filter(([sql]) => sql !== 'SELECT 1').length;
      // If an isolate is ahead of restored storage, it gets all tools.
      const ahead = await object.documentsSince('tool', top + 1);
      expect(ahead.verdict === 'found' && ahead.documents.length).toBeGreaterThan(1);
      return statements;
    });
    expect(read).toBe(0);
  });
});
