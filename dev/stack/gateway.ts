import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newReceiptKey } from '../../src/cli/init/files.ts';
import { ROOT } from '../root.ts';
import { buildWorker } from '../worker-modules.ts';
import { prepareDatabase } from './database.ts';
import type { ServerOptions } from './dev-server.ts';
import { localVariables } from './gateway-variables.ts';
import { freePort, LOOPBACK } from './loopback.ts';
import { type Runtime, serveBuilt } from './runtime.ts';

/** Options of a gateway on this machine. */
export type GatewayOptions = Partial<ServerOptions> & {
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
  /** Main module of the Worker: TypeScript, or the JavaScript of `buildWorker`, which runs as it is. `local-worker.ts` by default. */
  readonly entry?: string;
  /** Absolute path of the tools to sell, `tools.json` by default. */
  readonly toolsFile?: string;
};

/** A gateway on this machine. */
export type Gateway = Runtime & {
  readonly url: string;
  readonly port: number;
  readonly audience: string;
  readonly log: string;
};

/** Writes `public/` if it is missing. `npm start` and the tests write it before they start a gateway. */
const describeOnce = async (): Promise<void> => {
  if (!existsSync(join(ROOT, 'public/dashboard'))) await import('../assets.ts');
};

/** Reads or creates an Ed25519 key of a state directory. It survives restarts, so that older receipts and checkpoints still verify. */
const keyIn = async (directory: string, name: string): Promise<string> => {
  const file = join(directory, name);
  const existing = await readFile(file, 'utf8').catch(() => undefined);
  if (existing !== undefined) return existing;
  const key = await newReceiptKey();
  await writeFile(file, key, { mode: 0o600 });
  return key;
};

const variablesOf = async (
  options: GatewayOptions,
  audience: string,
): Promise<Record<string, string>> => ({
  ...localVariables({ ...options, audience }),
  RECEIPT_KEY: await keyIn(options.persistTo, 'receipt-key.json'),
  LOG_KEY: await keyIn(options.persistTo, 'log-key.json'),
  UPSTREAM_URL: options.upstreamUrl,
  ...options.variables,
});

/** Returns the main module of the built Worker. */
const built = async ({ entry, toolsFile, persistTo }: GatewayOptions): Promise<string> => {
  if (entry?.endsWith('.js') !== true) {
    const { main } = await buildWorker(
      join(persistTo, 'worker'),
      entry ?? join(import.meta.dirname, 'local-worker.ts'),
      toolsFile,
    );
    return main;
  }
  if (toolsFile !== undefined) throw new Error('built modules contain their tools already');
  return entry;
};

/**
 * Builds the Worker, prepares the database and starts the gateway on 127.0.0.1. Resolves when `/healthz` answers 200, after about two
 * seconds, or six where no migrated database is cached. The gateway ends with this process.
 */
export const startGateway = async (options: GatewayOptions): Promise<Gateway> => {
  const port = options.port ?? (await freePort());
  const url = `http://${LOOPBACK}:${port}`;
  const audience = options.audience ?? url;
  const directory = options.persistTo;
  const log = join(directory, 'gateway.log');
  const config = join(ROOT, 'wrangler.toml');
  await mkdir(directory, { recursive: true });
  await prepareDatabase(
    { directory, config, persistTo: directory, log },
    { cache: join(ROOT, '.dev/databases'), config, migrations: join(ROOT, 'src/audit/migrations') },
  );
  await describeOnce();
  const server = await serveBuilt(
    {
      ...{ directory, config, log },
      main: await built(options),
      variables: await variablesOf(options, audience),
      ...(options.shield === undefined ? {} : { shield: options.shield }),
    },
    { ...options, port },
  );
  return { ...server, url, port, audience, log };
};
