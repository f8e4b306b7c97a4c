import { stat } from 'node:fs/promises';
import type { Hex } from '../../core/hex.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { readText } from './atomic-file.ts';
import { type CliError, usageError } from './errors.ts';

/** Reads standard input to its end, at most `limit` bytes. */
type StandardInput = { readonly stdin: (limit: number) => Promise<Uint8Array<ArrayBuffer>> };

const MAX_BYTES = 16 * 1024 * 1024;

/** Reads a text file, or standard input for `-`. @throws CliError usage */
export const textFile = async (
  { stdin }: StandardInput,
  path: string,
  limit = MAX_BYTES,
): Promise<string> => {
  if (path === '-') return new TextDecoder().decode(await stdin(limit));
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > limit)
    throw usageError(`${path} is longer than ${limit} bytes.`, 'Give a smaller file, or several.');
  const text = await readText(path).catch(() => undefined);
  if (text !== undefined) return text;
  throw unreadable(path);
};

/** The next step for a file that the command cannot read: relative paths are a frequent cause. */
export const unreadable = (path: string): CliError =>
  usageError(
    `The command cannot read the file ${path}.`,
    `Check that it exists and that you may read it. Relative paths begin at ${process.cwd()}.`,
  );

/** Reads JSON; rejects duplicate keys, which two parsers may resolve differently. @throws CliError usage */
export const jsonFile = async (
  standardInput: StandardInput,
  path: string,
  limit = MAX_BYTES,
  depth?: number,
): Promise<unknown> => {
  const parsed = parseStrictJson(
    (await textFile(standardInput, path, limit)).replace(/^\uFEFF/, ''),
    depth,
  );
  if (parsed.ok) return parsed.value;
  const name = path === '-' ? 'Standard input' : path;
  const why = 'key' in parsed.error ? ` (the key ${JSON.stringify(parsed.error.key)})` : '';
  throw usageError(
    `${name} is not valid JSON: ${parsed.error.reason.replaceAll('_', ' ')}${why}.`,
    'Correct the JSON. `jq . <file>` shows the line.',
  );
};

/** Parsed arguments and options of one run. Option names are in camel case: `passwordFile`. */
export type Input = {
  readonly arguments: readonly string[];
  text(option: string): string | undefined;
  list(option: string): readonly string[];
  flag(option: string): boolean;
  /** @throws CliError usage, unless the value is a whole number in range */
  number(option: string, least: number, most: number): number | undefined;
};

export const inputOf = (
  given: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Input => {
  const text = (option: string): string | undefined => {
    const value = options[option];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    arguments: given,
    text,
    list: (option) => {
      const value = options[option];
      return Array.isArray(value) ? (value as readonly string[]) : [];
    },
    flag: (option) => options[option] === true,
    number: (option, least, most) => {
      const value = text(option);
      if (value === undefined) return undefined;
      const number = /^(0|[1-9][0-9]{0,9})$/.test(value) ? Number(value) : Number.NaN;
      if (number >= least && number <= most) return number;
      const flag = flagOf(option);
      throw usageError(
        `${flag} takes a whole number from ${least} to ${most}.`,
        `Give e.g. ${flag} ${Math.max(least, Math.min(most, 50))}.`,
      );
    },
  };
};

/** `passwordFile` → `--password-file`. */
export const flagOf = (option: string): string =>
  `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** `--password-file` → `passwordFile`. */
export const optionOf = (flag: string): string =>
  flag.replace(/^--/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Splits a comma-separated option. */
export const listOf = (text: string): string[] =>
  text === '' ? [] : text.split(',').map((item) => item.trim());

/** 32 bytes as lower-case hex. @throws CliError usage, which names what the hash is of */
export const hashIn = (text: string | undefined, what: string, example: string): Hex => {
  const hash = (text ?? '').toLowerCase();
  if (/^0x[0-9a-f]{64}$/.test(hash)) return hash as Hex;
  throw usageError(`That is not ${what}.`, `Give 0x and 64 hex digits, ${example}.`);
};

/** `--reason`, which the audit log keeps. @throws CliError usage if it is missing */
export const reasonIn = (input: Input): string => {
  const reason = input.text('reason');
  if (reason !== undefined) return reason;
  throw usageError(
    '--reason is missing: the audit log keeps why you do this.',
    "Give e.g. --reason 'ticket 7'.",
  );
};
