import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../../dev/root.ts';

const RUNTIME_MODULE = /^cloudflare:|\.wasm$/;
/** What the project provides: a chain, a facilitator, keys. */
const PROVIDED = /\binject\(/;
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g;
const TYPE_IMPORT = /^import type [^;]*;/gm;

/**
 * Lists the unit tests that use nothing of the Workers runtime, themselves or through what they import. They run in Node, where a file
 * loads faster. Paths that begin with one of `kept` stay in workerd, because what they test differs between the runtimes.
 */
export const testsThatRunInNode = (kept: readonly string[]): readonly string[] => {
  const needing = new Map<string, boolean>();
  const needsWorkerd = (path: string): boolean => {
    const known = needing.get(path);
    if (known !== undefined) return known;
    // Types may be imported in circles, nothing else is.
    const text = readFileSync(path, 'utf8').replace(TYPE_IMPORT, '');
    const needs =
      PROVIDED.test(text) ||
      [...text.matchAll(IMPORT)].some(
        ([, source = '']) =>
          RUNTIME_MODULE.test(source) ||
          (/^\.{1,2}\/.*\.tsx?$/.test(source) && needsWorkerd(join(dirname(path), source))),
      );
    needing.set(path, needs);
    return needs;
  };
  return globSync('test/unit/**/*.test.ts', { cwd: ROOT })
    .filter((file) => !kept.some((path) => file.startsWith(`test/unit/${path}`)))
    .filter((file) => !needsWorkerd(join(ROOT, file)))
    .toSorted();
};
