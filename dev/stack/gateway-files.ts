import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../root.ts';
import { newReceiptKey } from '../keys.ts';
import { writeLibsecp256k1 } from '../libsecp256k1.ts';

/** Replaces text that must be there: a renamed key in wrangler.toml must not silently change what is run. */
const replaced = (text: string, pattern: RegExp, by: string): string => {
  if (!pattern.test(text)) throw new Error(`wrangler.toml has no ${pattern.source}`);
  return text.replace(pattern, () => by);
};

type Changes = {
  /** Names of all variables that the gateway is given. */
  readonly names?: readonly string[];
  /** Module of the Worker; in JavaScript, the first of those that `buildWorker` makes, which are run as they are. */
  readonly entry: string;
  /** Requests per ten seconds that the rate limit binding lets through, if not as in wrangler.toml. */
  readonly shield?: number;
  /** Tools to sell instead of those in `tools.json`. */
  readonly toolsFile?: string;
};

/** The project's wrangler.toml for this machine: paths are absolute. */
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
  // Made before: a process for each stack would be one too many.
  text = replaced(text, /^\[build\]\ncommand = ".*"\n/m, '');
  // Where `secrets.required` is said, wrangler reads nothing else from `.dev.vars` but what it knows as a variable.
  const unknown = names.filter((name) => !new RegExp(`^${name} = `, 'm').test(text));
  const lines = unknown.map((name) => `${name} = ""\n`).join('');
  text = replaced(text, /^\[vars\]\n/m, `[vars]\n${lines}`);
  if (shield !== undefined)
    text = replaced(text, /(?<=^simple = \{ limit = )[0-9]+/m, String(shield));
  if (toolsFile === undefined) return text;
  if (asIs !== '') throw new Error('modules that are built hold their tools already');
  return `${text}\n[alias]\n"../tools.json" = ${JSON.stringify(toolsFile)}\n`;
};

const line = ([name, value]: readonly [string, string]): string => {
  if (/['\n\r]/.test(value)) throw new Error(`${name} may hold no quote and no line break`);
  return `${name}='${value}'`;
};

/** The key stays the same for the life of a state directory, or receipts of before a restart could not be checked. */
const receiptKey = async (directory: string): Promise<string> => {
  const file = join(directory, 'receipt-key.json');
  const kept = await readFile(file, 'utf8').catch(() => undefined);
  if (kept !== undefined) return kept;
  const key = await newReceiptKey();
  await writeFile(file, key, { mode: 0o600 });
  return key;
};

/**
 * Writes what `wrangler dev` reads into a directory: `wrangler.toml`, and beside it `.dev.vars` with variables and the
 * secret, which so never stands on a command line. Returns the path of the former.
 */
export const writeGatewayFiles = async (
  options: Changes & {
    readonly directory: string;
    readonly variables: Readonly<Record<string, string>>;
  },
): Promise<string> => {
  const { directory, variables } = options;
  await mkdir(directory, { recursive: true });
  await writeLibsecp256k1();
  const original = await readFile(join(ROOT, 'wrangler.toml'), 'utf8');
  const config = join(directory, 'wrangler.toml');
  const names = Object.keys(variables);
  await writeFile(config, localConfig(original, { ...options, names }));
  const all = { RECEIPT_KEY: await receiptKey(directory), ...variables };
  const text = Object.entries(all).map(line).join('\n');
  await writeFile(join(directory, '.dev.vars'), `${text}\n`, { mode: 0o600 });
  return config;
};
