import { withStore } from '../../session/browser-store.ts';
import type { CommandShelf } from './command-store.ts';

/** The commands in IndexedDB. */
export const commandShelf: CommandShelf = {
  under: async (prefix) => {
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    const keys: string[] = [];
    const values = await withStore<unknown[]>('commands', 'readonly', (store) => {
      const listed = store.getAllKeys(range);
      listed.onsuccess = () => keys.push(...(listed.result as string[]));
      return store.getAll(range);
    });
    return values.map((value, at) => [keys[at] ?? '', value] as const);
  },
  put: async (key, value) => withStore('commands', 'readwrite', (store) => store.put(value, key)),
  remove: async (key) => withStore('commands', 'readwrite', (store) => store.delete(key)),
};
