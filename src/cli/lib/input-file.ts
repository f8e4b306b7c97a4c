import { stat } from 'node:fs/promises';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { readText } from './atomic-file.ts';
import { usageError } from './errors.ts';
import type { Session } from './session.ts';

const MAX_BYTES = 16 * 1024 * 1024;

/** Reads a text file, or standard input for `-`. @throws CliError usage */
export const textFile = async (
  { stdin }: Session,
  path: string,
  limit = MAX_BYTES,
): Promise<string> => {
  if (path === '-') return new TextDecoder().decode(await stdin(limit));
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size > limit)
    throw usageError(`${path} is longer than ${limit} bytes.`, 'Give a smaller file.');
  const text = await readText(path).catch(() => undefined);
  if (text !== undefined) return text;
  throw usageError(`The command cannot read the file ${path}.`, 'Correct the path.');
};

/** Reads JSON; rejects duplicate keys, which two parsers may resolve differently. @throws CliError usage */
export const jsonFile = async (
  session: Session,
  path: string,
  limit = MAX_BYTES,
): Promise<unknown> => {
  const parsed = parseStrictJson((await textFile(session, path, limit)).replace(/^\uFEFF/, ''));
  if (parsed.ok) return parsed.value;
  const name = path === '-' ? 'Standard input' : path;
  const why = 'key' in parsed.error ? ` (the key ${JSON.stringify(parsed.error.key)})` : '';
  throw usageError(
    `${name} is not valid JSON: ${parsed.error.reason.replaceAll('_', ' ')}${why}.`,
    'Correct the file and run the command again.',
  );
};
