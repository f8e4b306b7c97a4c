/** `npm run build`: the published package in `dist/`: `countersign/client` as JavaScript and types, and the `countersign` command. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { PATHS } from '../src/management/paths.ts';
import { ROOT } from './root.ts';

const dist = join(ROOT, 'dist');
// Built beside its place: what uses the last build meanwhile, e.g. another run of the tests, keeps it to the end.
const draft = join(ROOT, '.dev', `dist-${process.pid}`);

const compile = (): number => {
  const { status } = spawnSync(
    join(ROOT, 'node_modules/.bin/tsc'),
    ['-p', join(ROOT, 'tsconfig.client.json'), '--outDir', draft],
    { cwd: ROOT, stdio: 'inherit' },
  );
  return status ?? 1;
};

/** What npm installs with the package. Everything else, e.g. what only the Worker's bundle has, is taken in. */
const { dependencies, peerDependencies } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as Readonly<Record<'dependencies' | 'peerDependencies', Readonly<Record<string, string>>>>;
const installed = Object.keys({ ...dependencies, ...peerDependencies }).flatMap((name) => [
  name,
  `${name}/*`,
]);

/**
 * The paths of the management API as text. The module computes them from the table of routes, which would bring every schema of the API into
 * the client, and into each command.
 */
const paths = `export const PATHS = ${JSON.stringify(PATHS)};\n`;

const pathsAsText: Plugin = {
  name: 'paths-as-text',
  setup: ({ onLoad }) =>
    onLoad({ filter: /src\/management\/paths\.ts$/ }, () => ({ contents: paths })),
};

/** Types are checked by `npm run check`. What a command imports when it runs is a file of its own, so that each loads only what it needs. */
const bundle = async (): Promise<void> => {
  await build({
    entryPoints: [join(ROOT, 'src/cli/index.ts')],
    outdir: join(draft, 'cli'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: installed,
    plugins: [pathsAsText],
    logLevel: 'warning',
  });
  chmodSync(join(draft, 'cli/index.js'), 0o755);
};

const replace = (): void => {
  const old = `${draft}-old`;
  mkdirSync(dist, { recursive: true });
  renameSync(dist, old);
  renameSync(draft, dist);
  rmSync(old, { recursive: true, force: true });
};

try {
  process.exitCode = compile();
  if (process.exitCode === 0) {
    writeFileSync(join(draft, 'management/paths.js'), paths);
    await bundle();
    replace();
  }
} finally {
  rmSync(draft, { recursive: true, force: true });
}
