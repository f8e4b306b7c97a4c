import { describe, expect, it } from 'vitest';
import { sharedTabs, type TabMessage } from '../../../../src/dashboard/session/tab-channel.ts';

/** A browser that denies storage and locks, and passes messages between its tabs. */
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
  it('know what another one keeps, also one that opens later, and after that one has closed', async () => {
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

  it('forget what any of them has seen decided', async () => {
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
