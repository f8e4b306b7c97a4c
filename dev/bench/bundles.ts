import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ROOT } from '../gateway-files.ts';
import { buildWorker, type WorkerModules } from '../worker-modules.ts';

/** Workers of peers and stubs by name; each is built as it would be deployed. */
const WORKERS = {
  upstream: 'peers/upstream.ts',
  apiKey: 'peers/api-key.ts',
  exact: 'peers/exact.ts',
  batchSettlement: 'peers/batch-settlement.ts',
  verifyCountersign: 'peers/verify-countersign.ts',
  verifyViem: 'peers/verify-viem.ts',
  verifyNoble: 'peers/verify-noble.ts',
  bindings: 'stubs/bindings.ts',
  metrics: 'stubs/metrics.ts',
  shield: 'stubs/shield.ts',
  seeder: 'stubs/seeder.ts',
} as const;

type Name = keyof typeof WORKERS;

/** Paths of the modules that run. */
export type Bundles = {
  readonly gateway: WorkerModules;
  /** Of the gateway's modules that every isolate loads, gzip. */
  readonly gatewayKiB: number;
  readonly of: (name: Name) => string;
};

const nameOf = (name: Name): string => `${name}.js`;

/** Builds the gateway as it is deployed, and everything else as one module each, minified too. */
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
    logLevel: 'error',
  });
  const first = Buffer.concat(gateway.first.map((path) => readFileSync(path)));
  return {
    gateway,
    gatewayKiB: gzipSync(first).length / 1024,
    of: (name) => join(directory, nameOf(name)),
  };
};
