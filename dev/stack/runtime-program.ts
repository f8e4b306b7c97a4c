import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { LOOPBACK } from './loopback.ts';
import type { RuntimeFile } from './runtime.ts';
import { workerOptions } from './worker-options.ts';

/** The Workers runtime with a built Worker as a program: `node runtime-program.ts FILE`, a `RuntimeFile`. */
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('FILE is missing.');
const file = JSON.parse(readFileSync(path, 'utf8')) as RuntimeFile;
const options = await workerOptions(file.config);

const directory = dirname(file.main);
const others = readdirSync(directory).flatMap((name) => {
  const module = join(directory, name);
  if (name.endsWith('.wasm')) return [{ type: 'CompiledWasm' as const, path: module }];
  return name.endsWith('.js') && module !== file.main
    ? [{ type: 'ESModule' as const, path: module }]
    : [];
});
const ratelimits = Object.entries(options.ratelimits ?? {}).map(([name, limit]) => [
  name,
  { ...limit, simple: { ...limit.simple, limit: file.shield ?? limit.simple.limit } },
]);

const runtime = new Miniflare(
  convertV4MiniflareOptions({
    host: LOOPBACK,
    port: file.port,
    resourcePersistencePath: join(file.state, 'v3'),
    logRequests: false,
    log: new Log(LogLevel.WARN),
    // For the cron trigger.
    unsafeTriggerHandlers: true,
    workers: [
      {
        ...options,
        name: 'countersign',
        bindings: { ...options.bindings, ...file.variables },
        ratelimits: Object.fromEntries(ratelimits) as typeof options.ratelimits,
        modulesRoot: directory,
        modules: [{ type: 'ESModule', path: file.main }, ...others],
      },
    ],
  }),
);
await runtime.ready;
