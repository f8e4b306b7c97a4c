import { type ListedKey, parseKeyList } from '../../audit/log/key-list.ts';
import { usageError } from '../lib/errors.ts';
import { textFile } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';

const MAX_BYTES = 65_536;

/** Verifier keys: each given text is a key, or a file with one a line. @throws CliError usage */
export const verifierKeys = async (
  session: Session,
  given: readonly string[],
): Promise<readonly ListedKey[]> =>
  (await Promise.all(given.map(async (one) => await keysIn(session, one)))).flat();

const keysIn = async (session: Session, given: string): Promise<readonly ListedKey[]> => {
  const list = parseKeyList(given) ?? parseKeyList(await textFile(session, given, MAX_BYTES));
  if (list !== undefined) return list;
  throw usageError(
    `${given} is not a verifier key.`,
    'Give <name>+<8 hex digits>+<base64>, as `/log/<year>/keys` of the gateway has them, or a file with one a line.',
  );
};
