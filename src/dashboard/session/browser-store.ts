import { isRemovable, type Shelf } from '../../client/shelf.ts';

const NAME = 'countersign';
const VERSION = 2;
const STORES = ['sessions', 'commands'] as const;

/** The values that this browser keeps between visits. IndexedDB, because only it can keep a non-extractable key. */
export type StoreName = (typeof STORES)[number];

const open = async (): Promise<IDBDatabase> =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      const database = request.result;
      // This release does not read sessions of an earlier one, so delete their keys.
      for (const name of database.objectStoreNames) database.deleteObjectStore(name);
      for (const name of STORES) database.createObjectStore(name);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
  });

const TIMEOUT_MS = 2_000;

const transact = async <T>(
  name: StoreName,
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> => {
  const database = await open();
  try {
    const transaction = database.transaction(name, mode);
    const request = act(transaction.objectStore(name));
    return await new Promise<T>((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB failed'));
    });
  } finally {
    database.close();
  }
};

/**
 * Runs requests on a store in one transaction, and waits until it is committed: a full disk fails the commit, not the request. A browser that
 * hangs, e.g. because a frozen page has an older version open, may still carry it out later.
 *
 * @returns the result of the request that `act` returns
 * @throws DOMException, Error if this browser stores nothing, or not in time
 */
export const withStore = async <T>(...of: Parameters<typeof transact<T>>): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('IndexedDB did not answer.')), TIMEOUT_MS);
    void transact(...of)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });

/** Signed requests in IndexedDB, which compares and sets for all tabs at once. */
export const storeShelf = (name: StoreName): Shelf => ({
  list: async (prefix) => {
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    const keys: string[] = [];
    const values = await withStore<unknown[]>(name, 'readonly', (store) => {
      const listed = store.getAllKeys(range);
      listed.onsuccess = () => keys.push(...(listed.result as string[]));
      return store.getAll(range);
    });
    return values.map((value, at) => [keys[at] ?? '', value] as const);
  },
  add: async (key, value) =>
    await withStore(name, 'readwrite', (store) => store.add(value, key)).then(
      () => true,
      (thrown: unknown) => {
        if (thrown instanceof DOMException && thrown.name === 'ConstraintError') return false;
        throw thrown;
      },
    ),
  remove: async (key, only) =>
    await withStore(name, 'readwrite', (store) => {
      const found = store.get(key);
      found.onsuccess = () => {
        if (isRemovable(found.result, only)) store.delete(key);
      };
      return found;
    }),
});
