/** `npm run package`, last step: what the client weighs, for whoever bundles it with viem as a peer. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { ROOT } from './root.ts';

/** The most the client may weigh, gzip (issue 3). */
const LIMIT = 40 * 1024;

// For a browser: a client that needed Node would not build.
const bundle = await build({
  entryPoints: [join(ROOT, 'dist/client/index.js')],
  bundle: true,
  minify: true,
  write: false,
  format: 'esm',
  platform: 'browser',
  external: ['viem', 'viem/*'],
  logLevel: 'error',
});
const bytes = bundle.outputFiles.map(({ contents }) => contents);
const raw = bytes.reduce((sum, file) => sum + file.length, 0);
const size = bytes.reduce((sum, file) => sum + gzipSync(file).length, 0);
const kib = (length: number): string => `${(length / 1024).toFixed(1)} KiB`;
console.log(`client: ${kib(raw)} minified, ${kib(size)} gzip without viem (limit ${kib(LIMIT)})`);
if (size > LIMIT) {
  console.error('The client is over its limit: find what came in with esbuild --analyze.');
  process.exitCode = 1;
}
