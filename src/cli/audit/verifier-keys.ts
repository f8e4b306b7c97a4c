import { parseKeyList } from '../../audit/log/key-list.ts';
import type { NoteKey } from '../../audit/log/signed-note.ts';
import { usageError } from '../lib/errors.ts';
import { textFile } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';

const MAX_BYTES = 65_536;

/** Verifier keys: each given text is a key, or a file with one a line. @throws CliError usage */
export const verifierKeys = async (
  session: Session,
  given: readonly string[],
): Promise<readonly NoteKey[]> =>
  (await Promise.all(given.map(async (one) => await keysIn(session, one)))).flat();

const keysIn = async (session: Session, given: string): Promise<readonly NoteKey[]> => {
  const list = parseKeyList(given) ?? parseKeyList(await textFile(session, given, MAX_BYTES));
  if (list !== undefined) return list.map(({ key }) => key);
  throw usageError(
    `${given} is not a verifier key.`,
    'Give <name>+<8 hex digits>+<base64>, as `/log/<year>/keys` of the gateway has them, or a file with one a line.',
  );
};
