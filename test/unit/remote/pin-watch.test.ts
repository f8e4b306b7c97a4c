import { describe, expect, it } from 'vitest';
import type { Tool } from '../../../src/catalog/tool.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import { openPinWatch, RELIST, RELIST_CHANGED } from '../../../src/remote/pin-watch.ts';

const NOW = 1_800_000_000;
const upstream = { mcp: 'https://mcp.example/mcp?key=secret', tool: 'search', pin: 'a' };

const watched = (pins: () => Record<string, string> | undefined) => {
  const watch = openPinWatch();
  const alerts: AlertBody[] = [];
  const pending: Promise<unknown>[] = [];
  let listed = 0;
  let recorded = true;
  const deps = {
    pinsOf: async () => {
      listed += 1;
      const found = pins();
      return found === undefined ? undefined : new Map(Object.entries(found));
    },
    waitUntil: (promise: Promise<unknown>) => {
      pending.push(promise);
    },
    raise: async (alert: AlertBody) => {
      if (recorded) alerts.push(alert);
      return recorded;
    },
  };
  return {
    isChanged: async (now: number, pin = 'a', secrets: Tool['secrets'] = []) => {
      const tool = { id: 't.search', upstream: { ...upstream, pin }, secrets };
      const isChanged = watch.isChanged(tool, now, deps);
      await Promise.all(pending);
      return isChanged;
    },
    alerts,
    listed: () => listed,
    record: (value: boolean) => {
      recorded = value;
    },
  };
};

describe('openPinWatch', () => {
  it('lets the first call through and lists in the background', async () => {
    const { isChanged, listed } = watched(() => ({ search: 'b' }));
    expect(await isChanged(NOW)).toBe(false);
    expect(listed()).toBe(1);
    expect(await isChanged(NOW)).toBe(true);
  });

  it('lists a server once in five minutes, however many calls come', async () => {
    const { isChanged, listed } = watched(() => ({ search: 'a' }));
    for (let at = 0; at < RELIST; at += 10) expect(await isChanged(NOW + at)).toBe(false);
    expect(listed()).toBe(1);
    await isChanged(NOW + RELIST);
    expect(listed()).toBe(2);
  });

  it('withholds a tool that changed or is gone, and raises one alert an hour for each', async () => {
    let pins: Record<string, string> = { search: 'b' };
    const { isChanged, alerts } = watched(() => pins);
    await isChanged(NOW);
    for (let at = 0; at < 20; at += 1) expect(await isChanged(NOW + at)).toBe(true);
    const detail = { tool: 't.search', host: 'mcp.example' };
    const changed = { rule: 'tool_changed', detail: { ...detail, kind: 'changed' } };
    expect(alerts).toEqual([changed]);
    pins = {};
    await isChanged(NOW + 40);
    expect(await isChanged(NOW + 41)).toBe(true);
    const gone = { rule: 'tool_changed', detail: { ...detail, kind: 'gone' } };
    expect(alerts).toEqual([changed, gone]);
    await isChanged(NOW + 3_700);
    expect(alerts).toEqual([changed, gone, gone]);
  });

  it('raises an alert again that the account could not record', async () => {
    const { isChanged, alerts, record } = watched(() => ({ search: 'b' }));
    await isChanged(NOW);
    record(false);
    await isChanged(NOW + 1);
    record(true);
    await isChanged(NOW + 2);
    expect(alerts).toHaveLength(1);
  });

  it('sells a new definition as soon as the operator accepted it and the listing shows it', async () => {
    let pins = { search: 'a' };
    const { isChanged } = watched(() => pins);
    await isChanged(NOW);
    pins = { search: 'b' };
    // Another isolate accepted the change before this one had listed it. This isolate withholds the tool until its own listing.
    expect(await isChanged(NOW + RELIST_CHANGED, 'b')).toBe(true);
    expect(await isChanged(NOW + RELIST_CHANGED + 1, 'b')).toBe(false);
  });

  it('lists a server once for each credential, because it may show other tools to each', async () => {
    let pins = { search: 'b' };
    const { isChanged, listed } = watched(() => pins);
    const place = { in: 'header', name: 'authorization' };
    const [team, other] = ['team', 'other'].map((secret) => [{ ...place, secret }]);
    await isChanged(NOW, 'a', team);
    expect(await isChanged(NOW + 1, 'a', team)).toBe(true);
    pins = { search: 'a' };
    expect(await isChanged(NOW + 1, 'a', other)).toBe(false);
    expect(await isChanged(NOW + 2, 'a', other)).toBe(false);
    expect(await isChanged(NOW + 2, 'a', team)).toBe(true);
    expect(listed()).toBe(2);
  });

  it('changes nothing while the server does not list its tools', async () => {
    let pins: Record<string, string> | undefined;
    const { isChanged, alerts } = watched(() => pins);
    await isChanged(NOW);
    expect(await isChanged(NOW + 1)).toBe(false);
    pins = { search: 'b' };
    await isChanged(NOW + RELIST);
    pins = undefined;
    expect(await isChanged(NOW + 2 * RELIST)).toBe(true);
    expect(await isChanged(NOW + 3 * RELIST)).toBe(true);
    expect(alerts).toHaveLength(1);
  });
});
