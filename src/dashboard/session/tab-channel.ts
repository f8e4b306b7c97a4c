import type { Alone, OutboxPlace } from '../../client/outbox.ts';
import { memoryShelf } from '../../client/shelf.ts';

/** The part of the Web Locks API that changes need: the locks that all tabs of a browser share. */
export type Locks = {
  readonly request: <R>(
    name: string,
    options: { readonly ifAvailable: true },
    act: (lock: object | null) => Promise<R>,
  ) => Promise<R>;
};

/**
 * Uses the locks of the browser, or `others` if the browser denies locks. An act that fails under a lock is not repeated under another one,
 * because the act may already have signed.
 *
 * @param locks called at each use, because a browser may lack the API
 */
export const aloneBy =
  (locks: () => Locks, others: Alone): Alone =>
  async (name, act) => {
    let isDenied = true;
    try {
      return await locks().request(name, { ifAvailable: true }, async (lock) => {
        isDenied = false;
        return await act(lock !== null);
      });
    } catch (thrown) {
      if (!isDenied) throw thrown;
      return await others(name, act);
    }
  };

/** A message of one tab to all other tabs. */
export type TabMessage =
  | { readonly is: 'hello' }
  | { readonly is: 'kept'; readonly key: string; readonly value: unknown }
  | { readonly is: 'removed'; readonly key: string; readonly only?: unknown }
  | { readonly is: 'asked' | 'taken'; readonly name: string };

/** How long a tab waits for answers of other tabs. A frozen tab does not answer, but it signs nothing either. */
const WAIT_MS = 100;

/**
 * Shares kept requests and locks between the open tabs of a browser that denies storage. Chromium denies IndexedDB, `localStorage` and Web
 * Locks together, and passes messages between tabs even then. Each tab has a copy of every request, so a request is kept while any tab is
 * open.
 *
 * Race: if two tabs ask for a lock at once, each tells the other that the lock is taken, and neither gets it.
 */
export const sharedTabs = (
  post: (message: TabMessage) => void,
  waitMs = WAIT_MS,
): OutboxPlace & { readonly receive: (message: TabMessage) => void } => {
  const values = new Map<string, unknown>();
  const own = memoryShelf(values);
  const locks = new Set<string>();
  const taken = new Set<string>();
  post({ is: 'hello' });
  return {
    receive: (data) => {
      switch (data.is) {
        case 'hello':
          for (const [key, value] of values) post({ is: 'kept', key, value });
          break;
        case 'kept':
          if (!values.has(data.key)) values.set(data.key, data.value);
          break;
        case 'removed':
          void own.remove(data.key, data.only);
          break;
        case 'asked':
          if (locks.has(data.name)) post({ is: 'taken', name: data.name });
          break;
        case 'taken':
          taken.add(data.name);
      }
    },
    shelf: {
      list: own.list,
      add: async (key, value) => {
        const isAdded = await own.add(key, value);
        if (isAdded) post({ is: 'kept', key, value });
        return isAdded;
      },
      remove: async (key, only) => {
        post({ is: 'removed', key, only });
        return await own.remove(key, only);
      },
    },
    alone: async (name, act) => {
      if (locks.has(name)) return await act(false);
      locks.add(name);
      try {
        taken.delete(name);
        post({ is: 'asked', name });
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        if (!taken.has(name)) return await act(true);
      } finally {
        locks.delete(name);
      }
      return await act(false);
    },
  };
};
