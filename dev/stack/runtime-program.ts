import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type V4ModuleDefinition,
} from 'miniflare';
import { LOOPBACK } from './loopback.ts';
import type { RuntimeFile } from './runtime.ts';
import { workerOptions } from './worker-options.ts';

/** Runs a built Worker in Miniflare, as a program: `node runtime-program.ts FILE`. FILE is a `RuntimeFile` as JSON. */
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('FILE is missing.');
const file = JSON.parse(readFileSync(path, 'utf8')) as RuntimeFile;
const options = await workerOptions(file.config);

const directory = dirname(file.main);
const moduleOf = (name: string): V4ModuleDefinition => ({
  type: name.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule',
  path: join(directory, name),
});
const main = basename(file.main);
const others = readdirSync(directory).filter(
  (name) => name !== main && /\.(?:js|wasm)$/.test(name),
);
const ratelimits = Object.entries(options.ratelimits ?? {}).map(
  ([name, { simple, ...limit }]) =>
    [name, { ...limit, simple: { ...simple, limit: file.shield ?? simple.limit } }] as const,
);

const runtime = new Miniflare(
  convertV4MiniflareOptions({
    host: LOOPBACK,
    port: file.port,
    resourcePersistencePath: join(file.state, 'v3'),
    logRequests: false,
    log: new Log(LogLevel.WARN),
    // Serves the path by which `cron.ts` runs the cron trigger.
    unsafeTriggerHandlers: true,
    workers: [
      {
        ...options,
        name: 'countersign',
        bindings: { ...options.bindings, ...file.variables },
        ratelimits: Object.fromEntries(ratelimits),
        modulesRoot: directory,
        modules: [main, ...others].map(moduleOf),
      },
    ],
  }),
);
await runtime.ready;
