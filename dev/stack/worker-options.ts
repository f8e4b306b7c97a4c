import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json, V4WorkerOptionsShape } from 'miniflare';
import { ROOT } from '../root.ts';
import { wranglerManifest } from './wrangler.ts';

/** Bindings and settings of a Worker, without its modules. */
type WorkerOptions = V4WorkerOptionsShape;

const CACHE = join(ROOT, '.dev/worker-options');

/** Reads a configuration as `wrangler dev` does. */
const read = async (config: string): Promise<WorkerOptions> => {
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = await import('wrangler');
  const { modulesRules: _, ...options } = unstable_getMiniflareWorkerOptions(config).workerOptions;
  // The variables of the configuration alone, without those of a `.dev.vars` next to it.
  return {
    ...options,
    bindings: unstable_readConfig({ config }).vars as Record<string, Json>,
  };
};

/**
 * Returns the bindings that a configuration of wrangler gives a Worker in the runtime, from a cache: loading wrangler takes longer than the
 * start of the runtime.
 */
export const workerOptions = async (config: string): Promise<WorkerOptions> => {
  const hash = createHash('sha256').update(config);
  for (const file of [config, wranglerManifest()]) hash.update(await readFile(file));
  const cached = join(CACHE, `${hash.digest('hex').slice(0, 32)}.json`);
  const known = await readFile(cached, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as WorkerOptions;
  const options = await read(config);
  // A rename, because another process may read the file at the same time.
  const draft = join(CACHE, randomUUID());
  await mkdir(CACHE, { recursive: true });
  await writeFile(draft, JSON.stringify(options));
  await rename(draft, cached);
  return options;
};
