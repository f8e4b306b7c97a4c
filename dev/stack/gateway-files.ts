import { writeWebAssembly } from '../webassembly.ts';
import { ROOT } from '../root.ts';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newReceiptKey } from '../../src/cli/init/files.ts';

/** Replaces text that must exist, so that a renamed key of wrangler.toml is an error. */
const replaced = (text: string, pattern: RegExp, by: string): string => {
  if (!pattern.test(text)) throw new Error(`wrangler.toml has no ${pattern.source}`);
  return text.replace(pattern, () => by);
};

type Changes = {
  /** Names of all variables of the gateway. */
  readonly names?: readonly string[];
  /** Main module of the Worker: TypeScript, which wrangler bundles, or the JavaScript of `buildWorker`, which runs as it is. */
  readonly entry: string;
  /** Requests per ten seconds that the rate limit lets through; as in wrangler.toml by default. */
  readonly shield?: number;
  /** Path of the tools to sell instead of `tools.json`. */
  readonly toolsFile?: string;
};

/** Adapts wrangler.toml to a state directory: absolute paths, and the changes. */
const localConfig = (original: string, options: Changes): string => {
  const { entry, shield, toolsFile, names = [] } = options;
  const asIs = entry.endsWith('.js') ? '\nno_bundle = true' : '';
  let text = replaced(original, /^main = ".*"$/m, `main = ${JSON.stringify(entry)}${asIs}`);
  const migrations = join(ROOT, 'src/audit/migrations');
  text = replaced(
    text,
    /^migrations_dir = ".*"$/m,
    `migrations_dir = ${JSON.stringify(migrations)}`,
  );
  const assets = join(ROOT, 'public');
  text = replaced(text, /^directory = ".*"$/m, `directory = ${JSON.stringify(assets)}`);
  // The caller has built already; a build by each stack would cost a process.
  text = replaced(text, /^\[build\]\ncommand = ".*"\n/m, '');
  // With `secrets.required`, wrangler reads only known variables from `.dev.vars`.
  const unknown = names.filter((name) => !new RegExp(`^${name} = `, 'm').test(text));
  const lines = unknown.map((name) => `${name} = ""\n`).join('');
  text = replaced(text, /^\[vars\]\n/m, `[vars]\n${lines}`);
  if (shield !== undefined)
    text = replaced(text, /(?<=^simple = \{ limit = )[0-9]+/m, String(shield));
  if (toolsFile === undefined) return text;
  if (asIs !== '') throw new Error('built modules contain their tools already');
  return `${text}\n[alias]\n"../tools.json" = ${JSON.stringify(toolsFile)}\n`;
};

const line = ([name, value]: readonly [string, string]): string => {
  if (/['\n\r]/.test(value)) throw new Error(`${name} must not contain a quote or a line break`);
  return `${name}='${value}'`;
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

/**
 * Writes the files of `wrangler dev` into a directory: `wrangler.toml`, and `.dev.vars` with the variables and the secret, which must not
 * appear on a command line. @returns the path of `wrangler.toml`.
 */
export const writeGatewayFiles = async (
  options: Changes & {
    readonly directory: string;
    readonly variables: Readonly<Record<string, string>>;
  },
): Promise<string> => {
  const { directory, variables } = options;
  await mkdir(directory, { recursive: true });
  await writeWebAssembly();
  const original = await readFile(join(ROOT, 'wrangler.toml'), 'utf8');
  const config = join(directory, 'wrangler.toml');
  const names = ['LOG_KEY', ...Object.keys(variables)];
  await writeFile(config, localConfig(original, { ...options, names }));
  const all = {
    RECEIPT_KEY: await keyIn(directory, 'receipt-key.json'),
    LOG_KEY: await keyIn(directory, 'log-key.json'),
    ...variables,
  };
  const text = Object.entries(all).map(line).join('\n');
  await writeFile(join(directory, '.dev.vars'), `${text}\n`, { mode: 0o600 });
  return config;
};
