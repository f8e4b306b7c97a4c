/**
 * `node dev/dashboard.ts`: builds the dashboard and the script of the public pages into `public/dashboard/`, from where the Worker serves
 * them. Does nothing if the build is up to date.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'vite';
import { PATHS_FILE, PATHS_MODULE } from './paths-module.ts';
import { ROOT } from './root.ts';
import { sourcesHash } from './sources-hash.ts';

const SOURCES = '{src/**/*.{ts,tsx,css,html,svg},dev/{dashboard,paths-module}.ts,package.json}';
const out = join(ROOT, 'public/dashboard');
const stamp = join(ROOT, '.dev/dashboard.hash');

const pathsAsText: Plugin = {
  name: 'paths-as-text',
  load: (id) => (PATHS_FILE.test(id) ? PATHS_MODULE : undefined),
};

const COMMON = {
  base: '/dashboard/',
  configFile: false,
  logLevel: 'error',
  // When a test runs the build, Vite would use the JSX of development, which records the file and line of each element.
  mode: 'production',
  plugins: [pathsAsText] as Plugin[],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
} as const;

const OUTPUT = {
  target: 'es2022',
  // An inlined image would be a `data:` URL, which the pages' policies refuse.
  assetsInlineLimit: 0,
  modulePreload: { polyfill: false },
} as const;

/** Builds into a draft and renames it: stacks that start concurrently both build, and serve the last build until then. */
export const buildDashboard = async (): Promise<void> => {
  const hash = await sourcesHash(SOURCES);
  const isBuilt = await readFile(join(out, 'index.html')).then(
    () => true,
    () => false,
  );
  if (isBuilt && (await readFile(stamp, 'utf8').catch(() => '')) === hash) return;
  const draft = join(ROOT, `.dev/dashboard-${process.pid}`);
  await build({
    ...COMMON,
    root: join(ROOT, 'src/dashboard'),
    worker: { format: 'es' },
    build: {
      ...OUTPUT,
      // One style sheet: a page looks the same whichever pages were opened before it.
      cssCodeSplit: false,
      outDir: draft,
      emptyOutDir: true,
      rolldownOptions: {
        output: {
          // One file for the code that pages share: with a chunk for each part, a page would need thirty requests.
          codeSplitting: {
            groups: [
              { name: 'shared', test: /src\/dashboard\/(?:data|format|parts)\//, minShareCount: 4 },
            ],
          },
        },
      },
    },
  });
  await build({
    ...COMMON,
    root: join(ROOT, 'src/pay'),
    build: {
      ...OUTPUT,
      outDir: draft,
      emptyOutDir: false,
      rolldownOptions: {
        input: join(ROOT, 'src/pay/entry.ts'),
        // The public pages refer to this file by name, so the name has no hash.
        output: { entryFileNames: 'pay.js' },
      },
    },
  });
  await mkdir(join(ROOT, 'public'), { recursive: true });
  await rm(out, { recursive: true, force: true });
  await rename(draft, out);
  await writeFile(stamp, hash);
};

if (import.meta.main) await buildDashboard();
