import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../root.ts';
import { writeWebAssembly } from '../webassembly.ts';
import { prepareDatabase } from './database.ts';
import { freePort, LOOPBACK } from './loopback.ts';
import type { Exit } from './process.ts';
import { type DevServer, serveWorker } from './wrangler.ts';

/** Options of a signer under `wrangler dev`. */
export type SignerOptions = {
  readonly port?: number;
  /** Directory of its state. A restart continues with that state and the same `SIGNER_KEY`. */
  readonly persistTo: string;
  /** Addresses that may enrol agents. */
  readonly owners: readonly string[];
  /** Further variables and secrets, e.g. `AWS_KMS_ENDPOINT`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Called when the process ends without `stop` or `kill` and is not restarted. */
  readonly onCrash?: (exit: Exit) => void;
  /** Called when the signer runs again after a crash. Without it the first crash is final. */
  readonly onRevived?: (message: string) => void;
};

/** A signer under `wrangler dev`. */
export type LocalSigner = DevServer & { readonly url: string; readonly log: string };

/** Prepares the database and starts the signer on 127.0.0.1. Resolves when `/healthz` answers 200. The signer ends with this process. */
export const startSigner = async (options: SignerOptions): Promise<LocalSigner> => {
  const { persistTo: directory, owners, variables = {}, onCrash, onRevived } = options;
  const port = options.port ?? (await freePort());
  const url = `http://${LOOPBACK}:${port}`;
  const log = join(directory, 'signer.log');
  const original = join(ROOT, 'wrangler.signer.toml');
  const migrations = join(ROOT, 'src/audit/migrations');
  const config = join(directory, 'wrangler.toml');
  await mkdir(directory, { recursive: true });
  await writeWebAssembly();
  const text = await readFile(original, 'utf8');
  await writeFile(config, localConfig(text, migrations, Object.keys(variables)));
  const secrets = { SIGNER_KEY: await keyIn(directory), SIGNER_ORIGIN: url, ...variables };
  const lines = Object.entries({ ...secrets, OWNERS: owners.join(',') }).map(
    ([name, value]) => `${name}='${value}'\n`,
  );
  await writeFile(join(directory, '.dev.vars'), lines.join(''), { mode: 0o600 });
  const place = { directory, config, persistTo: directory, log };
  await prepareDatabase(place, {
    cache: join(ROOT, '.dev/databases'),
    config: original,
    migrations,
  });
  const server = await serveWorker(place, {
    port,
    ...(onCrash === undefined ? {} : { onCrash }),
    ...(onRevived === undefined ? {} : { onRevived }),
  });
  return { ...server, url, log };
};

/** Adapts wrangler.signer.toml to a state directory: absolute paths, and every variable that `.dev.vars` sets. */
const localConfig = (original: string, migrations: string, names: readonly string[]): string => {
  const replaced = (text: string, pattern: RegExp, by: string): string => {
    if (!pattern.test(text)) throw new Error(`wrangler.signer.toml has no ${pattern.source}`);
    return text.replace(pattern, () => by);
  };
  const main = JSON.stringify(join(ROOT, 'src/signer/index.ts'));
  let text = replaced(original, /^main = ".*"$/m, `main = ${main}`);
  text = replaced(
    text,
    /^migrations_dir = ".*"$/m,
    `migrations_dir = ${JSON.stringify(migrations)}`,
  );
  // The caller has built already.
  text = replaced(text, /^\[build\]\ncommand = ".*"\n/m, '');
  // With `secrets.required`, wrangler reads only known variables from `.dev.vars`.
  const unknown = names.filter((name) => !new RegExp(`^${name} = `, 'm').test(text));
  return replaced(
    text,
    /^\[vars\]\n/m,
    `[vars]\n${unknown.map((name) => `${name} = ""\n`).join('')}`,
  );
};

/** Reads or creates the key of a state directory: seeds that it encrypted must open after a restart. */
const keyIn = async (directory: string): Promise<string> => {
  const file = join(directory, 'signer-key');
  const existing = await readFile(file, 'utf8').catch(() => undefined);
  if (existing !== undefined) return existing;
  const key = randomBytes(32).toString('base64');
  await writeFile(file, key, { mode: 0o600 });
  return key;
};
