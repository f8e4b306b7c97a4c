import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import { findListed } from '../../../src/catalog/listed-tools.ts';
import { type LiveCatalogue, openCatalogue } from '../../../src/catalog/live-catalogue.ts';
import { BUILT_IN_POLICY } from '../../../src/policy/policy.ts';
import { findTool } from '../../../src/catalog/route.ts';
import { documentOf, startOf } from './documents.ts';
import { type WatchedTools, watchedTools } from './watched.ts';

const START = startOf([documentOf('a'), documentOf('b')]);
const NOW = 1_800_000_000;
/** How long a call waits for a read here, milliseconds. */
const PATIENCE = 40;

beforeEach(() => {
  vi.restoreAllMocks();
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});

const priced = (id: string, price: string) => documentOf(id, { price });

/** An isolate, with a tool's price at a time and the isolate's background work. */
const isolate = (tools: WatchedTools = watchedTools()) => {
  const alerts: AlertBody[] = [];
  let isDeaf = false;
  const live = openCatalogue({
    policy: BUILT_IN_POLICY,
    writeTexts: async () => true,
    read: tools.read,
    raise: async (alert) => {
      if (!isDeaf) alerts.push(alert);
      return !isDeaf;
    },
    deployed: START,
    patience: PATIENCE,
  });
  const behind: Promise<unknown>[] = [];
  return {
    ...tools,
    live,
    behind,
    alerts,
    /** Sets whether the account that records alerts does not answer. */
    setDeaf: (to: boolean) => {
      isDeaf = to;
    },
    price: async (now: number, id = 'a') => priceOf(live, now, id, behind),
    settle: async () => {
      await Promise.all(behind.splice(0));
    },
  };
};
const priceOf = async (
  live: LiveCatalogue,
  now: number,
  id: string,
  behind: Promise<unknown>[],
) => {
  const sold = await live.current(now, (promise) => behind.push(promise));
  const route = findTool(sold.routes, 'GET', `/tools/${id}`);
  return route.route === 'tool' ? route.tool.price : route.route;
};

describe('the catalogue of an isolate', () => {
  it('is read before the first call, and not again while it is younger than 2 s', async () => {
    const { price, put, reads, behind } = isolate();
    put(priced('a', '$2'));
    expect(await price(NOW)).toBe(2_000_000n);
    expect(await price(NOW, 'b')).toBe(1_000n);
    expect(await price(NOW + 1)).toBe(2_000_000n);
    expect([reads(), behind.length]).toEqual([1, 0]);
  });

  it('is read once in the background from 2 s on: no call waits', async () => {
    const { price, put, reads, behind, settle, holdBack } = isolate();
    expect(await price(NOW)).toBe(1_000n);
    put(priced('a', '$2'));
    const answer = holdBack();
    for (const at of [2, 2, 3, 4]) expect(await price(NOW + at)).toBe(1_000n);
    expect([reads(), behind.length]).toEqual([2, 1]);
    answer();
    await settle();
    expect(await price(NOW + 4)).toBe(2_000_000n);
    // The catalogue's age counts from the start of the read, not from its end.
    expect([reads(), behind.length]).toEqual([3, 1]);
  });

  it('is read before a call from 5 s on', async () => {
    const { price, put, reads, behind } = isolate();
    expect(await price(NOW)).toBe(1_000n);
    put(priced('a', '$2'));
    expect(await price(NOW + 5)).toBe(2_000_000n);
    expect([reads(), behind.length]).toEqual([2, 0]);
  });

  it('shows a change on every isolate within 5 s', async () => {
    const tools = watchedTools();
    const [one, other] = [isolate(tools), isolate(tools)];
    expect([await one.price(NOW), await other.price(NOW)]).toEqual([1_000n, 1_000n]);
    tools.put(priced('a', '$2'));
    expect(await one.live.fresh(NOW)).toMatchObject({ ok: true });
    expect([await one.price(NOW), await other.price(NOW)]).toEqual([2_000_000n, 1_000n]);
    // The isolate still uses the old catalogue. The background read is for the next call.
    expect(await other.price(NOW + 2)).toBe(1_000n);
    await other.settle();
    expect(await other.price(NOW + 3)).toBe(2_000_000n);
    tools.remove('a');
    expect([await one.price(NOW + 8), await other.price(NOW + 8)]).toEqual([
      'not_found',
      'not_found',
    ]);
    tools.put(priced('a', '$3'));
    expect([await one.price(NOW + 13), await other.price(NOW + 13)]).toEqual([
      3_000_000n,
      3_000_000n,
    ]);
  });

  it('lets no call wait for another call’s read, nor for a refresh that never ends', async () => {
    const { price, put, reads, behind, holdBack, letPass } = isolate();
    expect(await price(NOW)).toBe(1_000n);
    holdBack();
    // The runtime cancels this call, so its read never ends.
    expect(await price(NOW + 2)).toBe(1_000n);
    void price(NOW + 5);
    await Promise.resolve();
    letPass();
    put(priced('a', '$2'));
    expect(await price(NOW + 5)).toBe(2_000_000n);
    expect(await price(NOW + 7)).toBe(2_000_000n);
    expect([reads(), behind.length]).toEqual([5, 2]);
  });

  it('is not reset by a late answer', async () => {
    const { live, price, put, holdBack, letPass } = isolate();
    put(priced('a', '$1'));
    const answer = holdBack();
    const late = live.fresh(NOW);
    letPass();
    put(priced('a', '$2'));
    expect(await price(NOW)).toBe(2_000_000n);
    answer();
    expect(findListed(valueOf(await late), 'a')?.document).toMatchObject({ price: '$2' });
    expect(await price(NOW + 1)).toBe(2_000_000n);
  });

  it('parses only changed tools, and nothing for concurrent calls', async () => {
    const { live, put, reads } = isolate();
    for (let seq = 1; seq <= 20; seq += 1) put(priced(`t${seq}`, '$1'));
    const parses = vi.spyOn(JSON, 'parse');
    const read = () => live.current(NOW, () => undefined);
    const all = await Promise.all(Array.from({ length: 30 }, read));
    expect(reads()).toBe(30);
    expect(new Set(all).size).toBe(1);
    const documents = () => parses.mock.calls.filter(([text]) => text.startsWith('{"id":"')).length;
    expect(documents()).toBe(20);
    put(priced('t7', '$2'));
    const changed = valueOf(await live.fresh(NOW));
    expect(documents()).toBe(21);
    expect(findListed(changed, 't7')?.tool?.price).toBe(2_000_000n);
    expect(valueOf(await live.fresh(NOW))).toBe(changed);
  });

  it('follows storage that was restored to an earlier time', async () => {
    const { live, price, put, undo } = isolate();
    put(priced('b', '$1'));
    put(priced('a', '$2'));
    expect(await price(NOW)).toBe(2_000_000n);
    undo('a');
    expect(await live.fresh(NOW)).toMatchObject({ ok: true });
    expect([await price(NOW), await price(NOW, 'b')]).toEqual([1_000n, 1_000_000n]);
    undo('b');
    expect([await price(NOW + 5), await price(NOW + 5, 'b')]).toEqual([1_000n, 1_000n]);
  });
});

describe('tools that cannot be read', () => {
  it('are served from the last snapshot, whatever its age', async () => {
    const { price, put, breakDown, recover } = isolate();
    put(priced('a', '$2'));
    expect(await price(NOW)).toBe(2_000_000n);
    breakDown();
    for (const at of [5, 60, 86_400]) expect(await price(NOW + at)).toBe(2_000_000n);
    recover();
    put(priced('a', '$3'));
    expect(await price(NOW + 86_402)).toBe(3_000_000n);
  });

  it('are served from the deployed file if the isolate never read any', async () => {
    const { live, price, put, breakDown, recover } = isolate();
    put(priced('a', '$2'));
    breakDown();
    expect(await price(NOW)).toBe(1_000n);
    expect(await live.fresh(NOW)).toEqual({ ok: false, error: { reason: 'storage_unavailable' } });
    recover();
    expect(await price(NOW + 2)).toBe(2_000_000n);
  });

  it('delay a call by at most the patience, and later calls not at all', async () => {
    const { price, put, reads, holdBack, settle } = isolate();
    expect(await price(NOW)).toBe(1_000n);
    put(priced('a', '$2'));
    const answer = holdBack();
    const started = performance.now();
    expect(await price(NOW + 5)).toBe(1_000n);
    expect(performance.now() - started).toBeLessThan(20 * PATIENCE);
    for (let count = 0; count < 10; count += 1) expect(await price(NOW + 6)).toBe(1_000n);
    expect(reads()).toBe(2);
    // Later calls use the late answer.
    answer();
    await vi.waitFor(async () => expect(await price(NOW + 6)).toBe(2_000_000n), {
      timeout: 30_000,
    });
    await settle();
  });

  it('raise one alert an outage, which names the source of the tools', async () => {
    const { price, alerts, behind, breakDown, recover, settle } = isolate();
    breakDown();
    for (const at of [0, 1, 2, 5]) await price(NOW + at);
    await settle();
    expect(alerts).toEqual([{ rule: 'catalogue_stale', detail: { source: 'file' } }]);
    recover();
    await price(NOW + 10);
    breakDown();
    // The catalogue is not stale yet, so the isolate raises no alert.
    await price(NOW + 12);
    await settle();
    expect(alerts).toHaveLength(1);
    await price(NOW + 15);
    await settle();
    expect(alerts.slice(1)).toEqual([{ rule: 'catalogue_stale', detail: { source: 'snapshot' } }]);
    expect(behind).toEqual([]);
  });

  it('raise a pending alert once the account answers again', async () => {
    const { price, alerts, setDeaf, breakDown, recover, settle } = isolate();
    breakDown();
    setDeaf(true);
    await price(NOW);
    await settle();
    expect(alerts).toEqual([]);
    recover();
    setDeaf(false);
    await price(NOW + 2);
    await settle();
    await price(NOW + 3);
    await settle();
    expect(alerts).toEqual([{ rule: 'catalogue_stale', detail: { source: 'file' } }]);
  });

  it('cannot be changed without a fresh read', async () => {
    const { live, price, breakDown } = isolate();
    expect(await price(NOW)).toBe(1_000n);
    breakDown();
    expect((await live.fresh(NOW)).ok).toBe(false);
  });

  it('are not read again by every call', async () => {
    const { price, reads, settle, breakDown } = isolate();
    expect(await price(NOW)).toBe(1_000n);
    breakDown();
    expect(await price(NOW + 2)).toBe(1_000n);
    await settle();
    for (const at of [3, 3, 3, 4]) expect(await price(NOW + at)).toBe(1_000n);
    await settle();
    expect(reads()).toBe(3);
    for (let count = 0; count < 10; count += 1) expect(await price(NOW + 7)).toBe(1_000n);
    expect(reads()).toBe(4);
  });
});

describe('a metered tool', () => {
  const METERED = {
    ...{ method: 'POST', settlement: 'credit' },
    price: {
      max: '$0.05',
      meter: { usage: 'openai', rates: { input_tokens: '$1 per 1000' }, missing: 'max' },
    },
  } as const;

  it.each([
    ['deployed', [documentOf('a'), documentOf('m', METERED)], []],
    ['put', [documentOf('a')], [documentOf('m', METERED)]],
  ])('that was %s is served with its meter', async (_name, deployed, puts) => {
    const tools = watchedTools();
    for (const each of puts) tools.put(each);
    const published: (readonly string[])[] = [];
    const live = openCatalogue({
      policy: BUILT_IN_POLICY,
      writeTexts: async (_set, sold) => {
        published.push(sold.map(({ id }) => id));
        return true;
      },
      ...{ read: tools.read, raise: async () => true, deployed: startOf(deployed) },
    });
    const behind: Promise<unknown>[] = [];
    const waitUntil = (promise: Promise<unknown>) => void behind.push(promise);
    const { routes, tools: listed } = await live.current(NOW, waitUntil);
    live.publish(NOW, waitUntil);
    await Promise.all(behind);
    expect(findTool(routes, 'GET', '/tools/a').route).toBe('tool');
    expect(findTool(routes, 'POST', '/tools/m').route).toBe('tool');
    expect(listed.get('m')?.tool?.meter).toMatchObject({ missing: 'max' });
    expect(published.map((ids) => ids.toSorted())).toEqual([['a', 'm']]);
  });

  it('is served from the deployed file while the account is silent', async () => {
    const tools = watchedTools();
    tools.breakDown();
    const live = openCatalogue({
      ...{ policy: BUILT_IN_POLICY, writeTexts: async () => true, raise: async () => true },
      ...{ read: tools.read, deployed: startOf([documentOf('a'), documentOf('m', METERED)]) },
    });
    const { tools: listed } = await live.current(NOW, () => undefined);
    expect(listed.get('m')?.tool?.meter).toMatchObject({ missing: 'max' });
    expect(listed.get('a')).not.toHaveProperty('fault');
  });
});

const valueOf = <T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T => {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
};
