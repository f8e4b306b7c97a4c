import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type DevServer, RUNTIME_CRASHED, serve, type ServerOptions } from './dev-server.ts';
import { freePort, LOOPBACK } from './loopback.ts';
import { type ProcessGroup, startProcess } from './process.ts';

/** Where wrangler runs, and what it serves. */
export type WranglerPlace = {
  /** Working directory of wrangler. */
  readonly directory: string;
  /** Path of the configuration. */
  readonly config: string;
  /** Directory of databases, objects and queues, and of wrangler's own files. A restart continues with that state. */
  readonly persistTo: string;
  /** File to which the output is appended. */
  readonly log: string;
};

/** Path of the `package.json` of wrangler. */
export const wranglerManifest = (): string =>
  createRequire(import.meta.url).resolve('wrangler/package.json');

const wranglerBinary = (): string => join(dirname(wranglerManifest()), 'bin', 'wrangler.js');

/** Environment of wrangler: no telemetry, no prompts, no network requests, no files of its own outside the state directory. */
export const quietEnvironment = (directory: string): NodeJS.ProcessEnv => ({
  ...process.env,
  // Both would change what is built: a test runner sets the first.
  NODE_ENV: undefined,
  CLOUDFLARE_ENV: undefined,
  CI: '1',
  NO_COLOR: '1',
  FORCE_COLOR: '0',
  DO_NOT_TRACK: '1',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_LOG_PATH: join(directory, 'logs'),
  WRANGLER_REGISTRY_PATH: join(directory, 'registry'),
  WRANGLER_CACHE_DIR: join(directory, 'cache'),
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  X_LOCAL_OBSERVABILITY: 'false',
  X_LOCAL_EXPLORER: 'false',
});

const runWrangler = (
  { directory, persistTo, log }: WranglerPlace,
  words: readonly string[],
  onOutput?: (text: string) => void,
): ProcessGroup =>
  startProcess({
    program: process.execPath,
    arguments: [wranglerBinary(), ...words],
    directory,
    environment: quietEnvironment(persistTo),
    log,
    fatal: RUNTIME_CRASHED,
    ...(onOutput === undefined ? {} : { onOutput }),
  });

/** Directory in which the Workers runtime stores its data. */
export const stateIn = (persistTo: string): string => join(persistTo, 'state');

/** Applies the migrations of the database. @throws Error with the output of wrangler */
export const migrateDatabase = async (place: WranglerPlace): Promise<void> => {
  const group = runWrangler(place, [
    ...['d1', 'migrations', 'apply', 'AUDIT_DB', '--local'],
    ...['--persist-to', stateIn(place.persistTo), '--config', place.config],
  ]);
  const exit = await group.exited;
  if (exit.code !== 0)
    throw new Error(`wrangler could not migrate the database:\n${group.output()}`);
};

/** Serves the Worker of a project with `wrangler dev`, which bundles it anew after each change of its files. */
export const serveProject = async (
  place: WranglerPlace,
  options: ServerOptions & { readonly onOutput?: (text: string) => void },
): Promise<DevServer> =>
  await serve(
    async () =>
      runWrangler(
        place,
        [
          ...['dev', '--local', `--config=${place.config}`],
          ...[`--persist-to=${stateIn(place.persistTo)}`, `--ip=${LOOPBACK}`],
          ...[`--port=${options.port}`, `--inspector-port=${await freePort()}`],
          ...['--log-level=log', '--show-interactive-dev-session=false'],
        ],
        options.onOutput,
      ),
    options,
  );
