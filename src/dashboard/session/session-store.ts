import type { SignedSession } from '../../protocol/intent/agent-session.ts';
import type { BrowserKey } from './browser-key.ts';
import type { WalletChoice } from './wallets.ts';

/** What this browser keeps between visits. IndexedDB, because only it can keep a key that cannot be read. */
export type StoredSession = {
  readonly key: BrowserKey;
  readonly signed: SignedSession;
  /** The wallet that signed, to ask it again for changes. */
  readonly wallet: WalletChoice;
};

const NAME = 'countersign';
const STORE = 'session';
const ONLY = 'current';

const open = async (): Promise<IDBDatabase> => {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(STORE);
  };
  return settled(request);
};

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
  });

const withStore = async <T>(
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> => {
  const database = await open();
  try {
    return await settled(act(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
};

/** The stored session, if there is one. A browser that keeps nothing has none. */
export const readSession = async (): Promise<StoredSession | undefined> => {
  try {
    return await withStore<StoredSession | undefined>('readonly', (store) => store.get(ONLY));
  } catch {
    return undefined;
  }
};

export const keepSession = async (session: StoredSession): Promise<void> => {
  await withStore('readwrite', (store) => store.put(session, ONLY));
};

export const forgetSession = async (): Promise<void> => {
  await withStore('readwrite', (store) => store.delete(ONLY));
};
