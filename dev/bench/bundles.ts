import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ROOT } from '../root.ts';
import { buildWorker, type WorkerModules } from '../worker-modules.ts';

/** Workers of peers and stubs, by name. */
const WORKERS = {
  upstream: 'peers/upstream.ts',
  apiKey: 'peers/api-key.ts',
  exact: 'peers/exact.ts',
  batchSettlement: 'peers/batch-settlement.ts',
  floor: 'peers/floor.ts',
  verifyCountersign: 'peers/verify-countersign.ts',
  verifyViem: 'peers/verify-viem.ts',
  verifyNoble: 'peers/verify-noble.ts',
  bindings: 'stubs/bindings.ts',
  metrics: 'stubs/metrics.ts',
  shield: 'stubs/shield.ts',
  seeder: 'stubs/seeder.ts',
} as const;

type Name = keyof typeof WORKERS;

/** Paths of the built modules. */
export type Bundles = {
  readonly gateway: WorkerModules;
  /** KiB gzip of the JavaScript and of the WebAssembly that every isolate of the gateway loads. */
  readonly gatewayKiB: number;
  readonly wasmKiB: number;
  /** Paths of the WebAssembly modules that the other Workers may import. */
  readonly wasm: readonly string[];
  readonly of: (name: Name) => string;
};

const nameOf = (name: Name): string => `${name}.js`;

const gzipKiB = (paths: readonly string[]): number =>
  gzipSync(Buffer.concat(paths.map((path) => readFileSync(path)))).length / 1024;

/** Builds the gateway as it is deployed, and each other Worker as one minified module. */
export const buildBundles = async (directory: string): Promise<Bundles> => {
  const gateway = await buildWorker(join(directory, 'gateway'));
  await build({
    entryPoints: Object.entries(WORKERS).map(([name, path]) => ({
      in: join(ROOT, 'test/bench', path),
      out: name,
    })),
    outdir: directory,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    alias: { url: 'node:url' },
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
    // For `npm run profile`, which names the functions of the floor.
    sourcemap: 'external',
    logLevel: 'error',
  });
  return {
    gateway,
    gatewayKiB: gzipKiB(gateway.first),
    wasmKiB: gzipKiB(gateway.wasm),
    wasm: gateway.wasm.map((path) => join(directory, basename(path))),
    of: (name) => join(directory, nameOf(name)),
  };
};
