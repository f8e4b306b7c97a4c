import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type V4ModuleDefinition,
  type V4WorkerOptions,
} from 'miniflare';
import { LOOPBACK } from './loopback.ts';
import type { RuntimeFile, Versions } from './runtime.ts';
import { workerOptions } from './worker-options.ts';

/** Runs a built Worker in Miniflare, as a program: `node runtime-program.ts FILE`. FILE is a `RuntimeFile` as JSON. */
const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('FILE is missing.');
const file = JSON.parse(readFileSync(path, 'utf8')) as RuntimeFile;
const options = await workerOptions(file.config);

type Modules = { readonly modulesRoot: string; readonly modules: V4ModuleDefinition[] };

/** The built modules of a version, its main module first. */
const modulesOf = (main: string): Modules => {
  const directory = dirname(main);
  const others = readdirSync(directory).filter(
    (name) => name !== basename(main) && /\.(?:js|wasm)$/.test(name),
  );
  return {
    modulesRoot: directory,
    modules: [basename(main), ...others].map((name) => ({
      type: name.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule',
      path: join(directory, name),
    })),
  };
};

const ratelimits = Object.entries(options.ratelimits ?? {}).map(
  ([name, { simple, ...limit }]) =>
    [name, { ...limit, simple: { ...simple, limit: file.shield ?? simple.limit } }] as const,
);

const NAME = 'countersign';
const BESIDE = 'countersign-beside';

const { durableObjects = {}, queueConsumers = {}, ...rest } = options;
const shared = {
  ...rest,
  bindings: { ...options.bindings, ...file.variables },
  ratelimits: Object.fromEntries(ratelimits),
};

/** Requests from outside take turns between both versions. */
const TURNS = `let turn = 0;
export default { fetch: (request, env) => env[(turn += 1) % 2 === 0 ? 'MAIN' : 'BESIDE'].fetch(request) };`;

const workersOf = ({ main, beside }: Versions): readonly V4WorkerOptions[] => {
  const host = { ...shared, durableObjects, name: NAME, ...modulesOf(main) };
  if (beside === undefined) return [{ ...host, queueConsumers }];
  const elsewhere = Object.entries(durableObjects).map(
    ([name, binding]) => [name, { ...(binding as object), scriptName: NAME }] as const,
  );
  return [
    {
      name: 'turns',
      compatibilityDate: '2026-11-01',
      modules: true,
      script: TURNS,
      serviceBindings: { MAIN: NAME, BESIDE },
    },
    host,
    {
      ...shared,
      name: BESIDE,
      durableObjects: Object.fromEntries(elsewhere) as NonNullable<typeof durableObjects>,
      queueConsumers,
      ...modulesOf(beside),
    },
  ];
};

const runtime = new Miniflare(
  convertV4MiniflareOptions({
    host: LOOPBACK,
    port: file.port,
    resourcePersistencePath: join(file.state, 'v3'),
    logRequests: false,
    log: new Log(LogLevel.WARN),
    // Serves the path by which `cron.ts` runs the cron trigger.
    unsafeTriggerHandlers: true,
    workers: [...workersOf(file)],
  }),
);
await runtime.ready;
