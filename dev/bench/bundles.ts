import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ROOT } from '../gateway-files.ts';
import { bundleWorker } from '../worker-bundle.ts';

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
  seeder: 'stubs/seeder.ts',
} as const;

type Name = keyof typeof WORKERS;

/** Paths of the modules that run. */
export type Bundles = {
  readonly gateway: string;
  /** Of the gateway's module, gzip. */
  readonly gatewayKiB: number;
  readonly of: (name: Name) => string;
};

const nameOf = (name: Name): string => `${name}.js`;

/** Builds the gateway with wrangler, and everything else with esbuild, which is what wrangler builds with. */
export const buildBundles = async (directory: string): Promise<Bundles> => {
  const gateway = join(directory, 'gateway');
  mkdirSync(gateway, { recursive: true });
  bundleWorker(gateway);
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
  const script = join(gateway, 'index.js');
  return {
    gateway: script,
    gatewayKiB: gzipSync(readFileSync(script)).length / 1024,
    of: (name) => join(directory, nameOf(name)),
  };
};
