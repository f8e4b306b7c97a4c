import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CHAIN_ID } from './chain-access.ts';
import { prepareDatabase, writeGatewayFiles } from './gateway-files.ts';
import { ROOT } from '../root.ts';
import { freePort, LOOPBACK, portFreed, portTaken } from './loopback.ts';
import { people, type Person } from './people.ts';
import { type Exit, type ProcessGroup, startProcess } from './process.ts';

/** Options of a gateway under `wrangler dev`. */
export type GatewayOptions = {
  readonly port?: number;
  /** Directory of its state: databases, objects, queues, receipt key, log. A restart continues with that state. */
  readonly persistTo: string;
  readonly upstreamUrl: string;
  readonly rpc: string;
  /** URLs in the order in which the gateway tries them. */
  readonly facilitators: readonly string[];
  readonly payTo: string;
  /** Origin that clients sign for; the gateway's own by default. */
  readonly audience?: string;
  /** Further variables, or other values of those above, e.g. `DEFAULT_POLICY`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Requests per ten seconds and client that the rate limit lets through; as in wrangler.toml by default. */
  readonly shield?: number;
  /** Main module of the Worker, `src/index.ts` by default. */
  readonly entry?: string;
  /** Absolute path of the tools to sell, `tools.json` by default. */
  readonly toolsFile?: string;
  /** Called when the process ends without `stop` or `kill`. */
  readonly onCrash?: (exit: Exit) => void;
};

/** A gateway under `wrangler dev`. */
export type Gateway = {
  readonly url: string;
  readonly port: number;
  readonly audience: string;
  /** Process group of the current run. */
  readonly processId: () => number;
  /** The end of its output; `log` has all of it. */
  readonly output: () => string;
  readonly log: string;
  readonly stop: () => Promise<void>;
  /** Sends SIGKILL to the process group, as a crash would end it. */
  readonly kill: () => Promise<void>;
  /** Starts the gateway again after `stop`, `kill` or a crash, with the same port and state. */
  readonly restart: () => Promise<void>;
};

const READY_MS = 60_000;

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

const wranglerBinary = (): string => {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve('wrangler/package.json')), 'bin', 'wrangler.js');
};

/** Environment of wrangler: no telemetry, no prompts, no network requests, no files outside the state directory. */
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

const runWrangler = (directory: string, words: readonly string[], log: string): ProcessGroup =>
  startProcess({
    program: process.execPath,
    arguments: [wranglerBinary(), ...words],
    directory,
    environment: environment(directory),
    log,
    fatal: RUNTIME_CRASHED,
  });

const migrate = async (directory: string, config: string, log: string): Promise<void> => {
  const words = ['d1', 'migrations', 'apply', 'AUDIT_DB', '--local'];
  const group = runWrangler(
    directory,
    [...words, '--persist-to', join(directory, 'state'), '--config', config],
    log,
  );
  const exit = await group.exited;
  if (exit.code !== 0)
    throw new Error(`wrangler could not migrate the database:\n${group.output()}`);
};

/** Writes `public/` if it is missing. `npm start` and the tests write it before they start a gateway. */
const describeOnce = async (): Promise<void> => {
  if (!existsSync(join(ROOT, 'public/openapi.json'))) await import('../openapi.ts');
};

const serve = async (
  directory: string,
  config: string,
  port: number,
): Promise<readonly string[]> => [
  'dev',
  '--local',
  `--config=${config}`,
  `--persist-to=${join(directory, 'state')}`,
  `--ip=${LOOPBACK}`,
  `--port=${port}`,
  `--inspector-port=${await freePort()}`,
  '--log-level=log',
  '--show-interactive-dev-session=false',
];

/** Waits until `/healthz` answers 200. Another answer is final after five seconds. */
const healthy = async (url: string, group: ProcessGroup): Promise<void> => {
  let gone = false;
  void group.exited.then(() => {
    gone = true;
  });
  const started = Date.now();
  for (;;) {
    if (gone) throw new Error(`the gateway ended while starting:\n${group.output()}`);
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) }).catch(
      () => undefined,
    );
    if (answer?.status === 200) return;
    const waited = Date.now() - started;
    if (answer !== undefined && waited > 5000)
      throw new Error(`the gateway is not healthy: ${answer.status} ${await answer.text()}`);
    if (waited > READY_MS) throw new Error(`the gateway does not answer:\n${group.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
};

const variablesOf = (options: GatewayOptions, audience: string): Record<string, string> => ({
  AUDIENCES: audience,
  PAY_TO: JSON.stringify({ [`eip155:${CHAIN_ID}`]: options.payTo }),
  RPC_URLS: JSON.stringify({ [`eip155:${CHAIN_ID}`]: [options.rpc] }),
  // The local facilitator assigns nonces in order, so it can take as many parallel requests as a batch can send.
  FACILITATORS: JSON.stringify(options.facilitators.map((url) => ({ url, concurrency: 186 }))),
  UPSTREAM_URL: options.upstreamUrl,
  CONFIRMATIONS: '1',
  LOCAL_STACK: 'true',
  ...options.variables,
});

/**
 * Variables of a gateway whose relayer takes, with this key, what the facilitators cannot take at once, as `countersign init` sets them, and
 * that is the facilitator of `people.seller`.
 */
export const relayerVariables = ({ address, privateKey }: Person): Record<string, string> => ({
  RELAYERS: JSON.stringify({ [`eip155:${CHAIN_ID}`]: { addresses: [address], first: false } }),
  RELAYER_KEY: privateKey,
  FACILITATES: JSON.stringify({ [`eip155:${CHAIN_ID}`]: [people.seller] }),
});

/**
 * Prepares the database and starts the gateway on 127.0.0.1. Resolves when `/healthz` answers 200, after about two seconds, or six where
 * no migrated database is cached. The gateway ends with this process.
 */
export const startGateway = async (options: GatewayOptions): Promise<Gateway> => {
  const port = options.port ?? (await freePort());
  const url = `http://${LOOPBACK}:${port}`;
  const audience = options.audience ?? url;
  const directory = options.persistTo;
  const log = join(directory, 'gateway.log');
  const config = await writeGatewayFiles({
    directory,
    entry: options.entry ?? join(ROOT, 'src/index.ts'),
    variables: variablesOf(options, audience),
    ...(options.shield === undefined ? {} : { shield: options.shield }),
    ...(options.toolsFile === undefined ? {} : { toolsFile: options.toolsFile }),
  });
  await prepareDatabase(join(directory, 'state'), () => migrate(directory, config, log));
  await describeOnce();

  const runOnce = async (): Promise<ProcessGroup> => {
    const group = runWrangler(directory, await serve(directory, config, port), log);
    try {
      await healthy(url, group);
    } catch (error) {
      await group.kill();
      throw error;
    }
    void group.exited.then((exit) => (exit.expected ? undefined : options.onCrash?.(exit)));
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
  let group = await run();
  return {
    url,
    port,
    audience,
    log,
    processId: () => group.id,
    output: () => group.output(),
    stop: async () => await group.stop(),
    kill: async () => await group.kill(),
    restart: async () => {
      await group.kill();
      await portFreed(port, 2000);
      group = await run();
    },
  };
};
