import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../../dev/root.ts';

const RUNTIME_MODULE = /^cloudflare:|\.wasm$/;
const PROCESS = /^node:child_process$|^@lydell\/node-pty$|\/dev\/stack\//;
/**
 * Matches a test that injects something only its own project provides, such as a chain, a facilitator, keys or a package. Every project
 * provides `deep`.
 */
const PROVIDED = /\binject\((?!'deep')/;
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g;
const TYPE_IMPORT = /^import type [^;]*;/gm;

/** Creates a predicate: does a file, or one that it imports from `within`, import `module` or inject something? */
const finder = (module: RegExp, within: string): ((path: string) => boolean) => {
  const known = new Map<string, boolean>();
  const needs = (path: string): boolean => {
    const before = known.get(path);
    if (before !== undefined) return before;
    // Type imports may be circular. Value imports are not, so the recursion ends.
    const text = readFileSync(path, 'utf8').replace(TYPE_IMPORT, '');
    const found =
      PROVIDED.test(text) ||
      [...text.matchAll(IMPORT)].some(([, source = '']) => {
        if (module.test(source)) return true;
        const file = join(dirname(path), source);
        return /^\.{1,2}\/.*\.tsx?$/.test(source) && file.startsWith(within) && needs(file);
      });
    known.set(path, found);
    return found;
  };
  return needs;
};

const testsIn = (pattern: string): readonly string[] => globSync(pattern, { cwd: ROOT }).toSorted();

/**
 * Lists the unit tests that use nothing of the Workers runtime, themselves or through what they import. They run in Node, where a file
 * loads faster. Paths that begin with one of `kept` stay in workerd, because what they test differs between the runtimes.
 */
export const testsThatRunInNode = (kept: readonly string[]): readonly string[] => {
  const needsWorkerd = finder(RUNTIME_MODULE, ROOT);
  return testsIn('test/unit/**/*.test.ts')
    .filter((file) => !kept.some((path) => file.startsWith(`test/unit/${path}`)))
    .filter((file) => !needsWorkerd(join(ROOT, file)));
};

/**
 * Lists the tests of the command that start no process, themselves or through the test files that they import. Paths that begin with one of
 * `kept` are left out: they need the process for themselves, or take minutes.
 */
export const commandTestsInProcess = (kept: readonly string[]): readonly string[] => {
  const startsProcess = finder(PROCESS, join(ROOT, 'test'));
  return testsIn('test/cli/**/*.test.ts')
    .filter((file) => !kept.some((path) => file.startsWith(`test/cli/${path}`)))
    .filter((file) => !startsProcess(join(ROOT, file)));
};
