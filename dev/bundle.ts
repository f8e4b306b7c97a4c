/** `npm run bundle`: prints the size of the deployed Workers, and fails above a limit or where wrangler would upload other modules. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { firstLoadOfDashboard } from './dashboard-size.ts';
import { ROOT } from './root.ts';
import { buildWorker } from './worker-modules.ts';

/** Limits in bytes of gzip: see DECISIONS.md, "Deploy the Worker as modules". */
const LIMITS = { first: 100 * 1024, all: 440 * 1024, wasm: 50 * 1024 };
/** The signer is a Worker of its own: its figures say nothing about an isolate of the gateway. */
const SIGNER_LIMITS = { first: 81 * 1024, all: 134 * 1024 };

const wrangler = join(
  dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
  'bin/wrangler.js',
);

/** Names of the modules that wrangler would upload. */
const uploaded = (main: string, outdir: string): readonly string[] => {
  const { status } = spawnSync(
    process.execPath,
    [
      wrangler,
      'deploy',
      main,
      '--config=wrangler.toml',
      '--no-bundle',
      '--dry-run',
      '--outdir',
      outdir,
    ],
    {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, CI: '1' },
    },
  );
  if (status !== 0) process.exit(status ?? 1);
  return readdirSync(outdir).filter((name) => /\.(?:js|wasm)$/.test(name));
};

const kib = (size: number): string => `${(size / 1024).toFixed(1)} KiB`;

/** Limit on the scripts and styles that the dashboard loads before its first page renders, in bytes of gzip. */
const DASHBOARD_LIMIT = 80 * 1024;

/** Prints the size of modules. @returns whether they are within the limit. */
const isWithin = (name: string, paths: readonly string[], limit: number): boolean => {
  const bytes = Buffer.concat(paths.map((path) => readFileSync(path)));
  const packed = gzipSync(bytes).length;
  const sizes = `${kib(bytes.length)} minified, ${kib(packed)} gzip (limit ${kib(limit)})`;
  console.log(`${name}: ${paths.length} files, ${sizes}`);
  return packed <= limit;
};

const directory = mkdtempSync(join(tmpdir(), 'countersign-bundle-'));
try {
  const { main, first, later, wasm } = await buildWorker(join(directory, 'worker'));
  const all = [...first, ...later];
  const modules = [...all, ...wasm];
  const names = uploaded(main, join(directory, 'uploaded'));
  const signer = await buildWorker(join(directory, 'signer'), join(ROOT, 'src/signer/index.ts'));
  const within = [
    isWithin('JavaScript that every isolate loads', first, LIMITS.first),
    isWithin('JavaScript of the whole Worker', all, LIMITS.all),
    isWithin('WebAssembly that every isolate loads', wasm, LIMITS.wasm),
    isWithin('Signer: JavaScript that every isolate loads', signer.first, SIGNER_LIMITS.first),
    isWithin('Signer: JavaScript', [...signer.first, ...signer.later], SIGNER_LIMITS.all),
    isWithin('Dashboard: first load', await firstLoadOfDashboard(), DASHBOARD_LIMIT),
  ];
  if (names.length !== modules.length) {
    console.error(`wrangler would upload ${names.length} modules of ${modules.length}.`);
    process.exitCode = 1;
  }
  if (within.includes(false)) {
    console.error('Something is over its limit. Find the cause with `esbuild --analyze`.');
    process.exitCode = 1;
  }
} finally {
  rmSync(directory, { recursive: true });
}
