import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const wrangler = join(
  dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
  'bin/wrangler.js',
);

/** Writes the Worker as it would be deployed, minified and with its source map, into a directory. @throws Error where it cannot be built */
export const bundleWorker = (directory: string): void => {
  const built = spawnSync(
    process.execPath,
    [wrangler, 'deploy', '--dry-run', '--minify', '--outdir', directory],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, CI: '1' } },
  );
  if (built.status !== 0) throw new Error(`wrangler could not build the Worker (${built.status})`);
};
