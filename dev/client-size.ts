/**
 * Last step of `npm run package`: prints the size of the client in a browser bundle, without viem, and fails above a limit. Counts what a page
 * loads at first: the code for MCP, with the official SDK, is loaded with the first connection.
 */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { ROOT } from './root.ts';

/** Limit in bytes of gzip. */
const LIMIT = 40 * 1024;

const loadedLater: Plugin = {
  name: 'loaded-later',
  setup: ({ onResolve }) =>
    onResolve({ filter: /.*/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    ),
};

// The browser platform: a client that imports Node modules does not build.
const bundle = await build({
  entryPoints: [join(ROOT, 'dist/client/index.js')],
  bundle: true,
  minify: true,
  write: false,
  format: 'esm',
  platform: 'browser',
  external: ['viem', 'viem/*'],
  plugins: [loadedLater],
  logLevel: 'error',
});
const bytes = bundle.outputFiles.map(({ contents }) => contents);
const raw = bytes.reduce((sum, file) => sum + file.length, 0);
const size = bytes.reduce((sum, file) => sum + gzipSync(file).length, 0);
const kib = (length: number): string => `${(length / 1024).toFixed(1)} KiB`;
console.log(`client: ${kib(raw)} minified, ${kib(size)} gzip without viem (limit ${kib(LIMIT)})`);
if (size > LIMIT) {
  console.error('The client is over its limit. Find the cause with `esbuild --analyze`.');
  process.exitCode = 1;
}
