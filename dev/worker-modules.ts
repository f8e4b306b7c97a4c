import { join, relative } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { ROOT } from './gateway-files.ts';

/** A built Worker: where its first module is, and which modules belong to it. */
export type WorkerModules = {
  readonly main: string;
  /** Paths of the first module and of all that it imports statically: an isolate loads these before it does anything. */
  readonly first: readonly string[];
  /** Paths of those that are loaded where they are used. */
  readonly later: readonly string[];
};

/**
 * Builds the Worker as modules, minified: what `import()` asks for becomes a module of its own. Wrangler, which makes one file of all,
 * would have it read and wrapped with the rest. Its other options are kept.
 */
export const buildWorker = async (
  directory: string,
  entry = join(ROOT, 'src/index.ts'),
): Promise<WorkerModules> => {
  const { metafile } = await build({
    entryPoints: { index: entry },
    outdir: directory,
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    // Beside the modules, for `npm run profile`; only modules are uploaded.
    sourcemap: 'external',
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser', 'production'],
    external: ['cloudflare:*'],
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  });
  const main = relative(ROOT, join(directory, 'index.js'));
  const first = closure(metafile, main);
  const pathOf = (output: string): string => join(ROOT, output);
  return {
    main: pathOf(main),
    first: [...first].map(pathOf),
    later: Object.keys(metafile.outputs)
      .filter((output) => output.endsWith('.js') && !first.has(output))
      .map(pathOf),
  };
};

/** A module with what it imports statically, and what that does. */
const closure = ({ outputs }: Metafile, from: string): ReadonlySet<string> => {
  const found = new Set([from]);
  // A set is walked in the order of insertion, what is added meanwhile included.
  for (const name of found) {
    for (const { kind, path, external } of outputs[name]?.imports ?? []) {
      if (kind === 'import-statement' && external !== true) found.add(path);
    }
  }
  return found;
};
