import { readCopy } from '../../client/json.ts';
import { decodeUtf8 } from '../../crypto/bytes.ts';
import { type NoteKey, parseVerifierKey } from '../../audit/log/signed-note.ts';
import { cliErrorOf, CliError, EXIT, usageError } from '../lib/errors.ts';
import { textFile } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 65_536;

/** GETs a public text of a log, a checkpoint or a key, without following redirects. @returns undefined for 404. @throws CliError */
export const logText = async (
  { signal }: Pick<Session, 'signal'>,
  gateway: string,
  path: string,
): Promise<string | undefined> => {
  const url = `${gateway}/log/${path}`;
  let status = 0;
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    status = response.status;
    const bytes = await readCopy(response, MAX_BYTES, TIMEOUT_MS);
    const text = bytes === undefined ? undefined : decodeUtf8(bytes);
    if (status === 404) return undefined;
    if (status === 200 && text !== undefined) return text;
  } catch (error) {
    signal.throwIfAborted();
    throw new CliError(`The command cannot read ${url}. ${cliErrorOf(error).message}`, {
      hint: `\`countersign doctor --gateway ${gateway}\` checks each part.`,
      exit: EXIT.network,
      code: 'unreachable',
      cause: error,
    });
  }
  throw new CliError(`${url} answered ${status} instead of a text.`, {
    hint: `\`countersign doctor --gateway ${gateway}\` checks each part.`,
    code: 'no_log',
  });
};

/** A verifier key: its text, or a file with one a line. @throws CliError usage */
export const verifierKeys = async (
  session: Session,
  given: string,
): Promise<readonly [NoteKey, ...NoteKey[]]> => {
  const one = parseVerifierKey(given.trim());
  if (one !== undefined) return [one];
  const text = await textFile(session, given, MAX_BYTES);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const [first, ...more] = lines.map((line) => parseVerifierKey(line.trim()));
  if (first !== undefined && more.every((key) => key !== undefined)) return [first, ...more];
  throw usageError(
    `${given} is not a verifier key.`,
    'Give <name>+<8 hex digits>+<base64>, as `/log/<year>/key` of the gateway has it, or a file with one a line.',
  );
};
