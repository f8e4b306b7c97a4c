import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** The most the minified Worker may weigh, gzip: see DECISIONS.md, "Settlement that loses nothing". */
const LIMIT = 196 * 1024;

const wrangler = join(
  dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
  'bin/wrangler.js',
);
const out = mkdtempSync(join(tmpdir(), 'countersign-bundle-'));
const built = spawnSync(
  process.execPath,
  [wrangler, 'deploy', '--dry-run', '--minify', '--outdir', out],
  { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, CI: '1' } },
);
if (built.status !== 0) process.exit(built.status ?? 1);
const bytes = readdirSync(out)
  .filter((name) => name.endsWith('.js'))
  .map((name) => readFileSync(join(out, name)));
rmSync(out, { recursive: true });
const raw = bytes.reduce((sum, file) => sum + file.length, 0);
const packed = bytes.reduce((sum, file) => sum + gzipSync(file).length, 0);
const kib = (size: number): string => `${(size / 1024).toFixed(1)} KiB`;
console.log(`bundle: ${kib(raw)} minified, ${kib(packed)} gzip (limit ${kib(LIMIT)})`);
if (packed > LIMIT) {
  console.error('The bundle is over its limit: find what came in with `npm run bundle`.');
  process.exit(1);
}
