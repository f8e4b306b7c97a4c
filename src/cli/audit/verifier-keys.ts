import { type NoteKey, parseVerifierKey } from '../../audit/log/signed-note.ts';
import { usageError } from '../lib/errors.ts';
import { textFile } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';

const MAX_BYTES = 65_536;

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
