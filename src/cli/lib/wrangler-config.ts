import { parse as parseToml } from '@decimalturn/toml-patch';
import { parse as parseJsonc, type ParseError, printParseErrorCode } from 'jsonc-parser';
import { join } from 'node:path';
import { err, ok, type Result } from '../../core/result.ts';
import { readText } from './atomic-file.ts';

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
    const table: unknown = isToml ? parseToml(text) : jsoncIn(text);
    return isTable(table) ? ok(table) : err(`${file} has no object`);
  } catch (error) {
    const line = (error as Error).message.split('\n')[0] ?? '';
    return err(`${file} is not ${isToml ? 'TOML' : 'JSON'}: ${line}`);
  }
};

/** JSON with comments and trailing commas, as wrangler reads it. @throws SyntaxError with the line of the fault */
const jsoncIn = (text: string): unknown => {
  const errors: ParseError[] = [];
  const value: unknown = parseJsonc(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first === undefined) return value;
  const line = text.slice(0, first.offset).split('\n').length;
  throw new SyntaxError(`${printParseErrorCode(first.error)} in line ${line}`);
};

/** A value as TOML in one line. */
export const tomlText = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(tomlText).join(', ')}]`;
  if (isTable(value)) return `{ ${tomlMembers(value).join(', ')} }`;
  // TOML escapes nothing between single quotes, which keeps JSON readable.
  if (typeof value === 'string' && value.includes('"') && !/['\p{Cc}]/u.test(value))
    return `'${value}'`;
  return JSON.stringify(value);
};

/** The members of a table as TOML, each in one line. */
export const tomlMembers = (table: Table): readonly string[] =>
  Object.entries(table).map(([key, value]) => `${key} = ${tomlText(value)}`);

export const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The tables in an array of the configuration, e.g. `queues.producers`. Empty if there is none. */
export const tablesAt = (table: Table, ...path: readonly string[]): readonly Table[] => {
  const found = valueAt(table, path);
  return Array.isArray(found) ? found.filter(isTable) : [];
};

export const textAt = (table: Table, key: string): string | undefined => {
  const value = table[key];
  return typeof value === 'string' ? value : undefined;
};

/** The table with another value at a path of tables. */
export const withValue = (table: Table, path: readonly string[], value: unknown): Table => {
  const [key, ...rest] = path;
  if (key === undefined) return table;
  const inner = table[key];
  return {
    ...table,
    [key]: rest.length === 0 ? value : withValue(isTable(inner) ? inner : {}, rest, value),
  };
};

export const valueAt = (table: Table, path: readonly string[]): unknown =>
  path.reduce<unknown>((at, key) => (isTable(at) ? at[key] : undefined), table);
