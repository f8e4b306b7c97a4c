import { withStore } from './browser-store.ts';
import { accountOf, type SessionStore, type StoredSession } from './stored-session.ts';

/** The sessions in IndexedDB. Each function throws a DOMException if this browser stores nothing. */
export const sessionStore: SessionStore = {
  all: async () => withStore<StoredSession[]>('sessions', 'readonly', (store) => store.getAll()),
  keep: async (session) =>
    withStore('sessions', 'readwrite', (store) => store.put(session, accountOf(session))),
  forget: async (account) => withStore('sessions', 'readwrite', (store) => store.delete(account)),
  forgetOne: async (session) => {
    let isFound = false;
    await withStore('sessions', 'readwrite', (store) => {
      const account = accountOf(session);
      const found = store.get(account) as IDBRequest<StoredSession | undefined>;
      found.onsuccess = () => {
        isFound = found.result?.key.publicKey === session.key.publicKey;
        if (isFound) store.delete(account);
      };
      return found;
    });
    return isFound;
  },
};
