import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StorageVersion } from '../../src/protocol/storage-version.ts';
import { writeClockEntry } from '../../test/chaos/storm/clock-entry.ts';
import { ROOT } from '../root.ts';

/** A Worker that was built from a commit. */
export type BuiltCommit = {
  /** Directory of its modules; the main one is `index.js`. */
  readonly directory: string;
  readonly storage: StorageVersion;
};

/** Runs a program in a directory. @throws Error with its output if it fails */
const run = async (program: string, words: readonly string[], cwd: string): Promise<string> => {
  const child = spawn(program, words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) return output.stdout.trim();
  throw new Error(`${program} ${words.join(' ')} failed (${code}): ${output.stderr}`);
};

const git = async (...words: readonly string[]): Promise<string> => await run('git', words, ROOT);

/** Returns the hash of a commit. @throws Error if this clone does not have it */
export const commitOf = async (name: string): Promise<string> =>
  await git('rev-parse', '--verify', `${name}^{commit}`);

/**
 * Returns the newest release that this commit follows, by its tag. A commit that is a release itself follows the one before.
 *
 * @returns undefined before the first release, and in a clone without tags or a copy without git
 */
export const newestRelease = async (): Promise<string | undefined> => {
  if (!existsSync(join(ROOT, '.git'))) return undefined;
  const range = ['--merged', 'HEAD', '--no-contains', 'HEAD'];
  const tags = await git('tag', ...range, '--sort=-version:refname', '--list', 'v[0-9]*');
  return tags.split('\n').find((tag) => tag !== '');
};

/**
 * Builds the gateway of a commit with its own sources and build, the dependencies of this checkout, and a clock that a run can move.
 *
 * @param directory An empty directory for sources and modules.
 * @param toolsFile Path of the tools that it sells.
 */
export const buildCommit = async (
  commit: string,
  directory: string,
  toolsFile: string,
): Promise<BuiltCommit> => {
  const tree = join(directory, 'tree');
  const archive = join(directory, 'tree.tar');
  await mkdir(tree, { recursive: true });
  await git('archive', '--format=tar', '-o', archive, commit);
  await run('tar', ['-xf', archive, '-C', tree], ROOT);
  await rm(archive);
  await symlink(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
  const entry = await writeClockEntry(directory, join(tree, 'test/chaos/run/worker.ts'));
  const modules = join(directory, 'worker');
  await run(process.execPath, ['dev/worker.ts', modules, entry, toolsFile], tree);
  const { STORAGE } = (await import(
    pathToFileURL(join(tree, 'src/protocol/storage-version.ts')).href
  )) as { readonly STORAGE: StorageVersion };
  return { directory: modules, storage: STORAGE };
};
