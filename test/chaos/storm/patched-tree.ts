import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../../dev/root.ts';

/** A text that must occur exactly once in a file of the gateway, and its replacement. */
export type Patch = { readonly file: string; readonly text: string; readonly by: string };

/** The directories from which a test's Worker is built. */
const TREE = ['src', 'durable-objects', 'test/chaos', 'test/falsify', 'test/support'];
const FILES = ['package.json', 'tools.json', 'tsconfig.json'];

/** Copies the gateway into a directory and applies a patch that breaks it. @throws Error unless the file has the text exactly once */
export const copyPatched = async (directory: string, { file, text, by }: Patch): Promise<void> => {
  for (const folder of TREE)
    await cp(join(ROOT, folder), join(directory, folder), { recursive: true });
  for (const name of FILES) await cp(join(ROOT, name), join(directory, name));
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  await mkdir(join(directory, 'dev'), { recursive: true });
  const path = join(directory, file);
  const source = await readFile(path, 'utf8');
  if (source.split(text).length !== 2) throw new Error(`${file} does not have the text once`);
  await writeFile(
    path,
    source.replace(text, () => by),
  );
};
