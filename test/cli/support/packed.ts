import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../../dev/root.ts';

const run = promisify(execFile);

/** Both packages, packed and unpacked into a folder. */
export type Packed = {
  /** The program that `npm create countersign` runs. */
  readonly create: string;
  /** The folder of the unpacked `countersign`. */
  readonly countersign: string;
};

/** Packs both packages as `npm publish` would and unpacks them. `npm run build` must have built them. */
export const packPackages = async (folder: string): Promise<Packed> => {
  const packages = ['.', './packages/create-countersign'];
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder, ...packages], {
    cwd: ROOT,
  });
  for (const [name, target] of [
    ['create-countersign', 'create'],
    ['countersign', 'countersign'],
  ] as const) {
    await mkdir(join(folder, target));
    const archive = (await readdir(folder)).find((file) => new RegExp(`^${name}-[0-9]`).test(file));
    await run('tar', ['xzf', join(folder, archive ?? ''), '-C', join(folder, target)]);
  }
  return {
    create: join(folder, 'create/package/dist/index.js'),
    countersign: join(folder, 'countersign/package'),
  };
};

type Manifest = Readonly<
  Record<'dependencies' | 'devDependencies' | 'peerDependencies', Readonly<Record<string, string>>>
>;

const manifestIn = async (directory: string): Promise<Partial<Manifest>> =>
  JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as Partial<Manifest>;

/**
 * Does what `npm install` would do, without a registry: copies `countersign` into the project, and links only those packages of this
 * repository that the project or `countersign` lists as dependencies.
 */
export const installInto = async (
  project: string,
  { countersign }: Packed,
  except: readonly string[] = [],
): Promise<void> => {
  const modules = join(project, 'node_modules');
  await mkdir(join(modules, '.bin'), { recursive: true });
  await run('cp', ['-r', countersign, join(modules, 'countersign')]);
  await symlink('../countersign/dist/cli/index.js', join(modules, '.bin/countersign'));
  const [own, packed] = await Promise.all([project, countersign].map(manifestIn));
  const names = Object.keys({
    ...packed?.dependencies,
    ...packed?.peerDependencies,
    ...own?.devDependencies,
  });
  for (const name of names.filter((each) => !except.includes(each))) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
};
