/** `node dev/dashboard.ts`: builds the dashboard into `public/dashboard/`, from where the Worker serves it. Skips what is up to date. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { glob, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'vite';
import { ROOT } from './root.ts';

const SOURCES =
  '{src/{dashboard,client,protocol,crypto,core}/**/*.{ts,tsx,css,html,svg},dev/dashboard.ts,package.json}';
const out = join(ROOT, 'public/dashboard');
const stamp = join(ROOT, '.dev/dashboard.hash');

/** A hash of everything that the build reads. */
const sourcesHash = async (): Promise<string> => {
  const files: string[] = [];
  for await (const file of glob(SOURCES, { cwd: ROOT })) files.push(file);
  const hash = createHash('sha256');
  for (const file of files.toSorted()) hash.update(file).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
};

/** Builds into a draft and renames it: stacks that start concurrently both build, and serve what is there meanwhile. */
export const buildDashboard = async (): Promise<void> => {
  const hash = await sourcesHash();
  const isBuilt = await readFile(join(out, 'index.html')).then(
    () => true,
    () => false,
  );
  if (isBuilt && (await readFile(stamp, 'utf8').catch(() => '')) === hash) return;
  const draft = join(ROOT, `.dev/dashboard-${process.pid}`);
  await build({
    root: join(ROOT, 'src/dashboard'),
    base: '/dashboard/',
    configFile: false,
    logLevel: 'error',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: draft,
      emptyOutDir: true,
      target: 'es2022',
      // An inlined image would be a `data:` URL, which the page's policy refuses.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  });
  await mkdir(join(ROOT, 'public'), { recursive: true });
  await rm(out, { recursive: true, force: true });
  await rename(draft, out);
  await writeFile(stamp, hash);
};

if (import.meta.main) await buildDashboard();
