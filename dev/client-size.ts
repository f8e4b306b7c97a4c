/**
 * Part of `npm run package`: prints the size of what browsers load of the published libraries, and fails above a limit. Measures the client
 * as a bundle without viem and without the code for MCP, which loads with the first connection. The verifier is published as one module.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { ROOT } from './root.ts';

const loadedLater: Plugin = {
  name: 'loaded-later',
  setup: ({ onResolve }) =>
    onResolve({ filter: /.*/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    ),
};

// The browser platform: a client that imports Node modules does not build.
const client = await build({
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

/** Limits in KiB of gzip. */
const LIBRARIES: readonly {
  readonly name: string;
  readonly files: readonly Uint8Array[];
  readonly limit: number;
}[] = [
  {
    name: 'client, without viem',
    files: client.outputFiles.map(({ contents }) => contents),
    limit: 40,
  },
  { name: 'verifier', files: [readFileSync(join(ROOT, 'dist/verify/index.js'))], limit: 127 },
];

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
for (const { name, files, limit } of LIBRARIES) {
  const raw = files.reduce((sum, file) => sum + file.length, 0);
  const size = files.reduce((sum, file) => sum + gzipSync(file).length, 0);
  console.log(`${name}: ${kib(raw)} minified, ${kib(size)} gzip (limit ${limit} KiB)`);
  if (size <= limit * 1024) continue;
  console.error(`The ${name} is over its limit. Find the cause with \`esbuild --analyze\`.`);
  process.exitCode = 1;
}
