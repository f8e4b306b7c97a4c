import { describe, expect, it, vi } from 'vitest';
import {
  aloneBy,
  type Locks,
  sharedTabs,
  type TabMessage,
} from '../../../../src/dashboard/session/tab-channel.ts';

/** A browser that denies storage and locks but carries messages between its tabs. */
const createBrowser = () => {
  const tabs = new Map<object, (message: TabMessage) => void>();
  return () => {
    const id = {};
    const post = (message: TabMessage): void => {
      for (const [to, receive] of tabs) {
        if (to !== id) queueMicrotask(() => receive(structuredClone(message)));
      }
    };
    const tab = sharedTabs(post, 5);
    tabs.set(id, tab.receive);
    return { ...tab, close: () => tabs.delete(id) };
  };
};

const settled = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 1));
};

describe('tabs of a browser that denies storage', () => {
  it('know the requests of every other tab, also if they open later, and after that tab has closed', async () => {
    const open = createBrowser();
    const [first, second] = [open(), open()];
    await settled();
    expect(await first.shelf.add('refund', { id: 1 })).toBe(true);
    await settled();
    expect(await second.shelf.add('refund', { id: 2 })).toBe(false);
    const third = open();
    await settled();
    first.close();
    for (const tab of [second, third]) {
      expect(await tab.shelf.list('re')).toEqual([['refund', { id: 1 }]]);
    }
  });

  it('forget a request once any of them has seen it decided', async () => {
    const open = createBrowser();
    const [first, second] = [open(), open()];
    await first.shelf.add('refund', { id: 1 });
    await settled();
    await second.shelf.remove('refund');
    await settled();
    expect(await first.shelf.list('')).toEqual([]);
  });

  it('make a change in one of them at a time', async () => {
    const open = createBrowser();
    const [first, second] = [open(), open()];
    const prompt = Promise.withResolvers<void>();
    const ask = async (isAlone: boolean): Promise<boolean> => await Promise.resolve(isAlone);
    const asking = first.alone('refund', async (isAlone) => {
      await prompt.promise;
      return isAlone;
    });
    await settled();
    expect(await first.alone('refund', ask)).toBe(false);
    expect(await second.alone('refund', ask)).toBe(false);
    expect(await second.alone('write-off', ask)).toBe(true);
    prompt.resolve();
    expect(await asking).toBe(true);
    expect(await second.alone('refund', ask)).toBe(true);
  });

  it('that ask at once are both refused', async () => {
    const open = createBrowser();
    const ask = async (isAlone: boolean): Promise<boolean> => await Promise.resolve(isAlone);
    const both = [open(), open()].map(async ({ alone }) => await alone('refund', ask));
    expect(await Promise.all(both)).toEqual([false, false]);
  });
});

describe('a lock among tabs', () => {
  const others = async <R>(_: string, act: (isAlone: boolean) => Promise<R>): Promise<R> =>
    await act(true);

  it('comes from the given locks if the browser denies its own', async () => {
    const request = async () => await Promise.reject(new DOMException('denied', 'SecurityError'));
    const ask = vi.fn<(isAlone: boolean) => Promise<boolean>>(async (isAlone) => isAlone);
    expect(await aloneBy(() => ({ request }), others)('refund', ask)).toBe(true);
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('does not run an act again that failed under it', async () => {
    const request: Locks['request'] = async (_, _options, act) => await act({});
    const ask = vi.fn<() => Promise<never>>(
      async () => await Promise.reject(new Error('declined')),
    );
    await expect(aloneBy(() => ({ request }), others)('refund', ask)).rejects.toThrow('declined');
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('is refused while the browser gives it to another tab', async () => {
    const request: Locks['request'] = async (_, _options, act) => await act(null);
    const ask = async (isAlone: boolean): Promise<boolean> => await Promise.resolve(isAlone);
    expect(await aloneBy(() => ({ request }), others)('refund', ask)).toBe(false);
  });
});
