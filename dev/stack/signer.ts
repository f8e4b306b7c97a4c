import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../root.ts';
import { buildWorker } from '../worker-modules.ts';
import { prepareDatabase } from './database.ts';
import type { DevServer, ServerOptions } from './dev-server.ts';
import { freePort, LOOPBACK } from './loopback.ts';
import { serveBuilt } from './runtime.ts';

/** Options of a signer on this machine. */
export type SignerOptions = Partial<ServerOptions> & {
  /** Directory of its state. A restart continues with that state and the same `SIGNER_KEY`. */
  readonly persistTo: string;
  /** Addresses that may enrol agents. */
  readonly owners: readonly string[];
  /** Further variables and secrets, e.g. `AWS_KMS_ENDPOINT`. */
  readonly variables?: Readonly<Record<string, string>>;
};

/** A signer on this machine. */
export type LocalSigner = DevServer & { readonly url: string; readonly log: string };

/**
 * Builds the Worker, prepares the database and starts the signer on 127.0.0.1. Resolves when `/healthz` answers 200. The signer ends with
 * this process.
 */
export const startSigner = async (options: SignerOptions): Promise<LocalSigner> => {
  const { persistTo: directory, owners, variables = {} } = options;
  const port = options.port ?? (await freePort());
  const url = `http://${LOOPBACK}:${port}`;
  const log = join(directory, 'signer.log');
  const config = join(ROOT, 'wrangler.signer.toml');
  await mkdir(directory, { recursive: true });
  await prepareDatabase(
    { directory, config, persistTo: directory, log },
    { cache: join(ROOT, '.dev/databases'), config, migrations: join(ROOT, 'src/audit/migrations') },
  );
  const { main } = await buildWorker(join(directory, 'worker'), join(ROOT, 'src/signer/index.ts'));
  const server = await serveBuilt(
    {
      ...{ directory, config, main, log },
      variables: {
        SIGNER_KEY: await keyIn(directory),
        SIGNER_ORIGIN: url,
        ...variables,
        OWNERS: owners.join(','),
      },
    },
    { ...options, port },
  );
  return { ...server, url, log };
};

/** Reads or creates the key of a state directory. A signer must be able to decrypt its seeds after a restart. */
const keyIn = async (directory: string): Promise<string> => {
  const file = join(directory, 'signer-key');
  const existing = await readFile(file, 'utf8').catch(() => undefined);
  if (existing !== undefined) return existing;
  const key = randomBytes(32).toString('base64');
  await writeFile(file, key, { mode: 0o600 });
  return key;
};
