import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';
import { ROOT } from './root.ts';
import { writeLibsecp256k1 } from './libsecp256k1.ts';

/** A built Worker: where its first module is, and which modules belong to it. */
export type WorkerModules = {
  readonly main: string;
  /** Paths of the first module and of all that it imports statically: an isolate loads these before it does anything. */
  readonly first: readonly string[];
  /** Paths of those that are loaded where they are used. */
  readonly later: readonly string[];
  /** Paths of WebAssembly modules that the first ones import. */
  readonly wasm: readonly string[];
};

const MAIN = 'index.js';

/** Puts imported WebAssembly modules beside the others, where the runtime compiles them. */
const wasmModules: Plugin = {
  name: 'wasm-modules',
  async resolveId(source, importer) {
    if (!source.endsWith('.wasm') || importer === undefined) return undefined;
    const fileName = basename(source);
    this.emitFile({
      type: 'asset',
      fileName,
      source: await readFile(join(importer, '..', source)),
    });
    return { id: `./${fileName}`, external: true };
  },
};

/**
 * Builds the Worker as modules, minified: what `import()` asks for becomes a module of its own. Wrangler, which makes one file of all,
 * would have it read and wrapped with the rest. Its other options are kept.
 */
export const buildWorker = async (
  directory: string,
  entry = join(ROOT, 'src/index.ts'),
): Promise<WorkerModules> => {
  await writeLibsecp256k1();
  const bundle = await rolldown({
    input: entry,
    cwd: ROOT,
    platform: 'browser',
    external: /^cloudflare:/,
    plugins: [wasmModules],
    resolve: { conditionNames: ['workerd', 'worker', 'browser', 'production'] },
    transform: { target: 'es2024' },
    // A module that is not found would be a warning, and missing where it runs.
    onLog: (level, log, report) => report(level === 'warn' ? 'error' : level, log),
  });
  const { output } = await bundle.write({
    dir: directory,
    format: 'esm',
    entryFileNames: MAIN,
    chunkFileNames: '[name]-[hash].js',
    minify: true,
    comments: false,
    // Beside the modules, for `npm run profile`; only modules are uploaded.
    sourcemap: 'hidden',
  });
  await bundle.close();
  const chunks = new Map(
    output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part] as const] : [])),
  );
  const first = closure(chunks, MAIN);
  const pathOf = (name: string): string => join(directory, name);
  return {
    main: pathOf(MAIN),
    first: [...first].map(pathOf),
    wasm: output.flatMap(({ fileName }) => (fileName.endsWith('.wasm') ? [pathOf(fileName)] : [])),
    later: [...chunks.keys()].filter((name) => !first.has(name)).map(pathOf),
  };
};

/** Paths of all modules but the main one. */
export const otherModules = ({ main, first, later, wasm }: WorkerModules): readonly string[] =>
  [...first, ...later, ...wasm].filter((path) => path !== main);

/** A module with what it imports statically, and what that does. */
const closure = (chunks: ReadonlyMap<string, OutputChunk>, from: string): ReadonlySet<string> => {
  const found = new Set([from]);
  // A set is walked in the order of insertion, what is added meanwhile included.
  for (const name of found) {
    for (const imported of chunks.get(name)?.imports ?? []) {
      if (chunks.has(imported)) found.add(imported);
    }
  }
  return found;
};
