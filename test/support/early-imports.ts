import { join } from 'node:path';
import type { Plugin } from 'vitest/config';
import { ROOT } from '../../dev/root.ts';

const FOLDERS = ['durable-objects', 'src/catalog', 'src/gateway', 'src/protocol', 'src/worker'];
const LOADED = FOLDERS.map((folder) => `${join(ROOT, folder)}/`);
const LATE = /\bimport\('(\.[^']+)'\)/g;

/**
 * Turns the dynamic imports of what requests and objects run into static ones. Vite shares one request to its server among concurrent
 * `import()`s of a module, and workerd rejects or hangs a request that waits for I/O of another one. The runtime's own dynamic imports
 * work; `test/stack/objects.test.ts` runs them.
 */
export const earlyImports = (): Plugin => ({
  name: 'early-imports',
  enforce: 'pre',
  transform: (code, id) => {
    if (!LOADED.some((folder) => id.startsWith(folder))) return undefined;
    const found: string[] = [];
    const changed = code.replaceAll(LATE, (_, path: string) => {
      found.push(`import * as early${found.length} from '${path}';`);
      return `Promise.resolve(early${found.length - 1})`;
    });
    // Appended at the end, so that line numbers stay correct.
    return found.length === 0 ? undefined : `${changed}\n${found.join('\n')}\n`;
  },
});
