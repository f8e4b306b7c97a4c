import { stat } from 'node:fs/promises';
import { readText } from './atomic-file.ts';
import { usageError } from './errors.ts';
import { isSamePassword } from './keyfile.ts';
import type { Prompts } from './prompts.ts';

export type PasswordOptions = {
  readonly env: NodeJS.ProcessEnv;
  /** `--password-file` */
  readonly passwordFile: string | undefined;
  readonly prompts: Prompts;
  readonly note: (text: string) => void;
};

/** Reads passwords from a file, the environment or a hidden prompt; never from argv, which every process can read (CWE-214). */
export type Passwords = {
  /** Whether a person types the password, and may try again after a wrong one. */
  readonly isPrompted: boolean;
  /** The password of an existing secret. */
  existing(of: string): Promise<string>;
  /** The password of a new secret, typed twice. */
  fresh(of: string): Promise<string>;
};

const ALTERNATIVES = '--password-file <path>, or the environment variable COUNTERSIGN_PASSWORD';
const LEAST = 8;
const MOST = 1024;

const weaknessOf = (password: string): string | undefined => {
  if (password.length > MOST) return `A password has at most ${MOST} characters.`;
  return password.length < LEAST ? `A password has at least ${LEAST} characters.` : undefined;
};

export const createPasswords = (options: PasswordOptions): Passwords => {
  const { env, passwordFile, prompts, note } = options;
  const fromEnvironment = env['COUNTERSIGN_PASSWORD'] ?? '';
  const given = async (): Promise<string | undefined> => {
    if (passwordFile !== undefined) return await passwordIn(passwordFile, note);
    return fromEnvironment === '' ? undefined : fromEnvironment;
  };
  return {
    isPrompted: passwordFile === undefined && fromEnvironment === '',
    existing: async (of) =>
      (await given()) ??
      (await prompts.hidden({ message: `Password of ${of}`, instead: ALTERNATIVES })),
    fresh: async (of) => {
      const ready = await given();
      if (ready !== undefined) {
        const weakness = weaknessOf(ready);
        if (weakness === undefined) return ready;
        throw usageError(weakness, 'Choose another password.');
      }
      const password = await prompts.hidden({
        message: `New password for ${of}`,
        instead: ALTERNATIVES,
        check: weaknessOf,
      });
      await prompts.hidden({
        message: 'Repeat the password',
        instead: ALTERNATIVES,
        check: (again) => (isSamePassword(password, again) ? undefined : 'The passwords differ.'),
      });
      return password;
    },
  };
};

const passwordIn = async (path: string, note: (text: string) => void): Promise<string> => {
  const text = await readText(path);
  if (text === undefined)
    throw usageError(`No password file exists at ${path}.`, 'Correct --password-file.');
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) note(`note: other users can read ${path}; run chmod 600 on it.`);
  // Editors add a byte order mark and a line end.
  const password = text.replace(/^\uFEFF/, '').replace(/\r?\n$/, '');
  if (password === '')
    throw usageError(`${path} is empty.`, 'Write the password into its first line.');
  return password;
};
