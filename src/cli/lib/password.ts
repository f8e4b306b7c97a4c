import { stat } from 'node:fs/promises';
import { readText } from './atomic-file.ts';
import { usageError } from './errors.ts';
import { samePassword } from './keyfile.ts';
import type { Prompts } from './prompts.ts';

export type PasswordOptions = {
  readonly env: NodeJS.ProcessEnv;
  /** `--password-file` */
  readonly passwordFile: string | undefined;
  readonly prompts: Prompts;
  readonly note: (text: string) => void;
};

/** Where passwords come from: a file, the environment, or a hidden prompt. Never the command line, which every process can read. */
export type Passwords = {
  /** Whether a wrong one can be asked for again. */
  readonly asked: boolean;
  /** Of something that is there. */
  known(of: string): Promise<string>;
  /** For something new: asked twice. */
  fresh(of: string): Promise<string>;
};

const INSTEAD = '--password-file <path>, or the environment variable COUNTERSIGN_PASSWORD';
const LEAST = 8;
const MAX = 1024;

const weakness = (password: string): string | undefined => {
  if (password.length > MAX) return `It must have at most ${MAX} characters.`;
  return password.length < LEAST ? `It must have at least ${LEAST} characters.` : undefined;
};

export const createPasswords = (options: PasswordOptions): Passwords => {
  const { env, passwordFile, prompts, note } = options;
  const given = async (): Promise<string | undefined> => {
    if (passwordFile !== undefined) return await passwordIn(passwordFile, note);
    const password = env['COUNTERSIGN_PASSWORD'] ?? '';
    return password === '' ? undefined : password;
  };
  return {
    asked: passwordFile === undefined && (env['COUNTERSIGN_PASSWORD'] ?? '') === '',
    known: async (of) =>
      (await given()) ?? (await prompts.hidden({ message: `Password of ${of}`, instead: INSTEAD })),
    fresh: async (of) => {
      const ready = await given();
      if (ready !== undefined) {
        const why = weakness(ready);
        if (why === undefined) return ready;
        throw usageError(`The password is too weak or too long. ${why}`, 'Choose another one.');
      }
      const password = await prompts.hidden({
        message: `New password for ${of}`,
        instead: INSTEAD,
        check: weakness,
      });
      await prompts.hidden({
        message: 'The same again',
        instead: INSTEAD,
        check: (again) => (samePassword(password, again) ? undefined : 'It is not the same.'),
      });
      return password;
    },
  };
};

const passwordIn = async (path: string, note: (text: string) => void): Promise<string> => {
  const text = await readText(path);
  if (text === undefined) {
    throw usageError(`There is no password file ${path}.`, 'Correct --password-file.');
  }
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) note(`note: ${path} can be read by others; chmod 600 it.`);
  // What an editor puts around it is no part of it.
  const password = text.replace(/^\uFEFF/, '').replace(/\r?\n$/, '');
  if (password === '')
    throw usageError(`${path} is empty.`, 'Put the password into its first line.');
  return password;
};
