import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { freePort, LOOPBACK, portFreed, portTaken } from './loopback.ts';
import { type Exit, type ProcessGroup, startProcess } from './process.ts';
import { newRevival } from './revival.ts';

/** Where wrangler runs, and what it serves. */
export type WranglerPlace = {
  /** Working directory of wrangler. */
  readonly directory: string;
  /** Path of wrangler.toml. */
  readonly config: string;
  /** Directory of databases, objects and queues, and of wrangler's own files. A restart continues with that state. */
  readonly persistTo: string;
  /** File to which the output is appended. */
  readonly log: string;
};

/** A Worker under `wrangler dev`. */
export type DevServer = {
  /** Process group of the current run. */
  readonly processId: () => number;
  /** The end of its output; the log has all of it. */
  readonly output: () => string;
  readonly stop: () => Promise<void>;
  /** Sends SIGKILL to the process group, as a crash would end it. */
  readonly kill: () => Promise<void>;
  /** Starts the Worker again after `stop`, `kill` or a crash, with the same port and state. */
  readonly restart: () => Promise<void>;
};

/** A start takes 2 s; on two cores that run five of them, one took 37 s. */
const READY_MS = 150_000;

/**
 * wrangler restarts a runtime that crashed. When its proxy crashed, the port accepts connections and never answers: so this message ends
 * the process, and the stack reports a crash.
 */
const RUNTIME_CRASHED = 'The Workers runtime crashed unexpectedly';

/**
 * Race: wrangler looks for free ports and its runtime listens there later. Another process can take a port in between; wrangler then
 * ends with this message, and takes other ports on the next start.
 */
const PORT_TAKEN = 'Address already in use';
const MAX_STARTS = 3;

/** Path of the `package.json` of wrangler. */
export const wranglerManifest = (): string =>
  createRequire(import.meta.url).resolve('wrangler/package.json');

const wranglerBinary = (): string => join(dirname(wranglerManifest()), 'bin', 'wrangler.js');

/** Environment of wrangler: no telemetry, no prompts, no network requests, no files of its own outside the state directory. */
const environment = (directory: string): NodeJS.ProcessEnv => ({
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
    environment: environment(persistTo),
    log,
    fatal: RUNTIME_CRASHED,
    ...(onOutput === undefined ? {} : { onOutput }),
  });

const stateIn = (persistTo: string): string => join(persistTo, 'state');

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

/** The end of what wrangler printed: a list of modules comes before it. */
const lastWords = (group: ProcessGroup): string => group.output().trim().slice(-1500);

/** Waits until `/healthz` answers 200. Another answer is final five seconds after the first one. */
const healthy = async (url: string, group: ProcessGroup): Promise<void> => {
  const ended: Exit[] = [];
  void group.exited.then((exit) => ended.push(exit));
  const started = Date.now();
  let answered: number | undefined;
  let fault = 'no request was sent';
  for (;;) {
    const [exit] = ended;
    if (exit !== undefined)
      throw new Error(
        `the gateway ended while starting (${exit.signal ?? exit.code}); the end of its output:\n${lastWords(group)}`,
      );
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) }).catch(
      (error: unknown) => {
        fault = String(error instanceof Error ? (error.cause ?? error) : error);
        return undefined;
      },
    );
    if (answer?.status === 200) return;
    if (answer !== undefined) {
      answered ??= Date.now();
      if (Date.now() - answered > 5000)
        throw new Error(`the gateway is not healthy: ${answer.status} ${await answer.text()}`);
    }
    if (Date.now() - started > READY_MS)
      throw new Error(
        `${url} does not answer (${fault}); the end of its output:\n${lastWords(group)}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
};

/**
 * Serves a Worker with `wrangler dev` on 127.0.0.1. Resolves when `/healthz` answers 200. The server ends with this process.
 *
 * @throws Error with the output of wrangler
 */
export const serveWorker = async (
  place: WranglerPlace,
  options: {
    readonly port: number;
    readonly onOutput?: (text: string) => void;
    /** Called when the process ends without `stop` or `kill` and is not restarted. */
    readonly onCrash?: (exit: Exit) => void;
    /** Called after each restart that follows a crash (`revival.ts`). Without this callback the first crash is final. */
    readonly onRevived?: (message: string) => void;
  },
): Promise<DevServer> => {
  const { port, onOutput, onRevived, onCrash = () => undefined } = options;
  const runOnce = async (): Promise<ProcessGroup> => {
    const all = [
      ...['dev', '--local', `--config=${place.config}`],
      ...[`--persist-to=${stateIn(place.persistTo)}`, `--ip=${LOOPBACK}`, `--port=${port}`],
      ...[`--inspector-port=${await freePort()}`, '--log-level=log'],
      ...['--show-interactive-dev-session=false'],
    ];
    const group = runWrangler(place, all, onOutput);
    try {
      await healthy(`http://${LOOPBACK}:${port}`, group);
    } catch (error) {
      await group.kill();
      throw error;
    }
    void group.exited.then((exit) => (exit.expected ? undefined : crashed(exit)));
    return group;
  };
  const run = async (times = MAX_STARTS): Promise<ProcessGroup> => {
    try {
      return await runOnce();
    } catch (error) {
      const isOverlap = String(error).includes(PORT_TAKEN) && !(await portTaken(port));
      if (!isOverlap || times <= 1) throw error;
      return await run(times - 1);
    }
  };
  const restart = async (): Promise<void> => {
    await group.kill();
    await portFreed(port, 30_000);
    group = await run();
  };
  const crashed = onRevived === undefined ? onCrash : newRevival({ restart, onRevived, onCrash });
  let group = await run();
  return {
    processId: () => group.id,
    output: () => group.output(),
    stop: async () => await group.stop(),
    kill: async () => await group.kill(),
    restart,
  };
};
