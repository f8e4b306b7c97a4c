import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';
import { ROOT } from './root.ts';
import { writeWebAssembly } from './webassembly.ts';

/** Modules of a built Worker. */
export type WorkerModules = {
  readonly main: string;
  /** Paths of the main module and of its static imports: every isolate loads them at its start. */
  readonly first: readonly string[];
  /** Paths of modules that are imported dynamically. */
  readonly later: readonly string[];
  /** Paths of WebAssembly modules. */
  readonly wasm: readonly string[];
};

const MAIN = 'index.js';

/** Emits imported WebAssembly modules next to the JavaScript; the runtime compiles them. */
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

/** Sells the tools of another file than `tools.json`, also in a copy of the sources. */
const sellTools = (file: string): Plugin => ({
  name: 'sell-tools',
  resolveId: (source) => (source === '../tools.json' ? file : undefined),
});

/** Hashes without `node:crypto`, for Workers without `nodejs_compat`. */
export const portableHash: Plugin = {
  name: 'portable-hash',
  resolveId: (source) => (source === '#sha256' ? join(ROOT, 'src/crypto/sha256.ts') : undefined),
};

const OWN = '?own';

/**
 * Gives the MCP SDK its own copy of zod. The SDK uses most of zod, and all parts that it shares with other code would move into the module
 * that every isolate loads.
 */
const ownZod: Plugin = {
  name: 'own-zod',
  async resolveId(source, importer) {
    const isOwn = importer?.endsWith(OWN) === true;
    if (!isOwn && importer?.includes('/@modelcontextprotocol/') !== true) return undefined;
    const resolved = await this.resolve(source, importer?.replace(OWN, ''), { skipSelf: true });
    return resolved?.id.includes('/node_modules/zod/') === true
      ? { ...resolved, id: `${resolved.id}${OWN}` }
      : resolved;
  },
  load: (id) => (id.endsWith(OWN) ? readFile(id.slice(0, -OWN.length), 'utf8') : undefined),
};

/**
 * Builds the Worker as minified modules, one for each dynamic import. wrangler would bundle them into one file, which every isolate would
 * parse at its start. The other options are those of wrangler.
 *
 * @param toolsFile Path of the tools to sell, in place of `tools.json`.
 * @param more Plugins that replace modules.
 */
export const buildWorker = async (
  directory: string,
  entry = join(ROOT, 'src/index.ts'),
  toolsFile?: string,
  more: readonly Plugin[] = [],
): Promise<WorkerModules> => {
  await writeWebAssembly();
  const bundle = await rolldown({
    input: entry,
    cwd: ROOT,
    platform: 'browser',
    external: /^(?:cloudflare|node):/,
    plugins: [
      wasmModules,
      ownZod,
      ...more,
      ...(toolsFile === undefined ? [] : [sellTools(toolsFile)]),
    ],
    resolve: { conditionNames: ['workerd', 'worker', 'browser', 'production'] },
    transform: { target: 'es2024' },
    // rolldown warns about slow plugins, but on a busy machine the build is not at fault.
    checks: { pluginTimings: false },
    // Otherwise an unresolved import is a warning, and fails at run time.
    onLog: (level, log, report) => report(level === 'warn' ? 'error' : level, log),
  });
  const { output } = await bundle.write({
    dir: directory,
    format: 'esm',
    entryFileNames: MAIN,
    chunkFileNames: '[name]-[hash].js',
    // One module for what every isolate loads: otherwise each dynamic import splits it further, and the statements between the parts cost
    // more than the parts save.
    codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] },
    minify: true,
    comments: false,
    // For `npm run profile`; wrangler does not upload source maps.
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

/** Returns a module with its static imports, transitively. */
const closure = (chunks: ReadonlyMap<string, OutputChunk>, from: string): ReadonlySet<string> => {
  const found = new Set([from]);
  // The iteration includes names that are added during the loop.
  for (const name of found) {
    for (const imported of chunks.get(name)?.imports ?? []) {
      if (chunks.has(imported)) found.add(imported);
    }
  }
  return found;
};
