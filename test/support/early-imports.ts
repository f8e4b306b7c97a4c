import { join } from 'node:path';
import type { Plugin } from 'vitest/config';
import { ROOT } from '../../dev/root.ts';

const LOADED = ['durable-objects/', 'src/protocol/', 'src/gateway/'].map((folder) =>
  join(ROOT, folder),
);
const LATE = /\bimport\('(\.[^']+)'\)/g;

/**
 * Has modules that objects and calls import late loaded with the first. Vite asks its server about every `import()`, once for all who ask
 * at a time, and workerd lets nobody wait for what another object or request began: such imports were refused, or hung. Those of the
 * runtime have no such fault; `test/stack/objects.test.ts` runs them.
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
    // After the last line: all others keep their numbers.
    return found.length === 0 ? undefined : `${changed}\n${found.join('\n')}\n`;
  },
});
