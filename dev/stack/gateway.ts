import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { prepareDatabase } from './database.ts';
import { writeGatewayFiles } from './gateway-files.ts';
import { localVariables } from './gateway-variables.ts';
import { ROOT } from '../root.ts';
import { freePort, LOOPBACK } from './loopback.ts';
import type { Exit } from './process.ts';
import { type DevServer, serveWorker } from './wrangler.ts';

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
  /** Called when the process ends without `stop` or `kill` and is not restarted. */
  readonly onCrash?: (exit: Exit) => void;
  /** Called when the gateway runs again after a crash. Without it the first crash is final. */
  readonly onRevived?: (message: string) => void;
};

/** A gateway under `wrangler dev`. */
export type Gateway = DevServer & {
  readonly url: string;
  readonly port: number;
  readonly audience: string;
  readonly log: string;
};

/** Writes `public/` if it is missing. `npm start` and the tests write it before they start a gateway. */
const describeOnce = async (): Promise<void> => {
  if (!existsSync(join(ROOT, 'public/dashboard'))) await import('../assets.ts');
};

const variablesOf = (options: GatewayOptions, audience: string): Record<string, string> => ({
  ...localVariables({ ...options, audience }),
  UPSTREAM_URL: options.upstreamUrl,
  ...options.variables,
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
  const place = { directory, config, persistTo: directory, log };
  await prepareDatabase(place, {
    cache: join(ROOT, '.dev/databases'),
    config: join(ROOT, 'wrangler.toml'),
    migrations: join(ROOT, 'src/audit/migrations'),
  });
  await describeOnce();
  const server = await serveWorker(place, {
    port,
    ...(options.onCrash === undefined ? {} : { onCrash: options.onCrash }),
    ...(options.onRevived === undefined ? {} : { onRevived: options.onRevived }),
  });
  return { ...server, url, port, audience, log };
};
