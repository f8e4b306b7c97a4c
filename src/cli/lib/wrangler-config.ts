import { parse } from '@decimalturn/toml-patch';
import { join } from 'node:path';
import { err, ok, type Result } from '../../core/result.ts';
import { readText } from './atomic-file.ts';
import { parseJsonc } from './jsonc.ts';

/** In the order in which wrangler looks for them. */
export const CONFIG_FILES = ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml'] as const;

export type Table = Readonly<Record<string, unknown>>;

/** The configuration of a Worker. */
export type WranglerConfig = {
  readonly file: (typeof CONFIG_FILES)[number];
  readonly text: string;
  readonly table: Table;
};

/** Reads the configuration that wrangler would use. Undefined without one; the text of the error if it cannot be parsed. */
export const readWranglerConfig = async (
  directory: string,
): Promise<Result<WranglerConfig, string> | undefined> => {
  for (const file of CONFIG_FILES) {
    const text = await readText(join(directory, file));
    if (text === undefined) continue;
    const table = parseConfigText(file, text);
    return table.ok ? ok({ file, text, table: table.value }) : table;
  }
  return undefined;
};

export const parseConfigText = (
  file: WranglerConfig['file'],
  text: string,
): Result<Table, string> => {
  const isToml = file.endsWith('.toml');
  try {
    const table: unknown = isToml ? parse(text) : parseJsonc(text);
    return isTable(table) ? ok(table) : err(`${file} has no object`);
  } catch (error) {
    const line = (error as Error).message.split('\n')[0] ?? '';
    return err(`${file} is not ${isToml ? 'TOML' : 'JSON'}: ${line}`);
  }
};

export const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The tables in an array of the configuration, e.g. `queues.producers`. Empty where there is none. */
export const tablesAt = (table: Table, ...path: readonly string[]): readonly Table[] => {
  const found = valueAt(table, path);
  return Array.isArray(found) ? found.filter(isTable) : [];
};

export const textAt = (table: Table, key: string): string | undefined => {
  const value = table[key];
  return typeof value === 'string' ? value : undefined;
};

export const valueAt = (table: Table, path: readonly string[]): unknown =>
  path.reduce<unknown>((at, key) => (isTable(at) ? at[key] : undefined), table);
