import type * as Clack from '@clack/prompts';
import { stat } from 'node:fs/promises';
import { readText } from './atomic-file.ts';
import { cancelled, usageError } from './errors.ts';
import { isSamePassword } from './keyfile.ts';
import type { Progress } from './output.ts';
import { printable } from './text.ts';

type Question = {
  readonly message: string;
  /** The option to give without a terminal, e.g. `--pay-to <address>`. */
  readonly instead: string;
};

/** Questions at the terminal. Without a terminal each is a usage error that names the option to give instead. */
export type Prompts = {
  readonly isInteractive: boolean;
  text(
    question: Question & {
      readonly initial?: string;
      /** Why an answer is invalid; undefined for a valid one. */
      readonly check?: (text: string) => string | undefined;
    },
  ): Promise<string>;
  /** Does not show what is typed. */
  hidden(
    question: Question & { readonly check?: (text: string) => string | undefined },
  ): Promise<string>;
  choice<T extends string>(
    question: Question & {
      readonly options: readonly {
        readonly value: T;
        readonly label: string;
        readonly hint?: string;
      }[];
      readonly initial?: T;
    },
  ): Promise<T>;
  confirm(question: Question): Promise<boolean>;
};

type PromptStreams = {
  readonly stdin: NodeJS.ReadStream;
  /** Questions go to stderr: stdout holds results only. */
  readonly stderr: NodeJS.WriteStream;
  readonly signal: AbortSignal;
  readonly progress: Progress;
};

type Streams = {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly signal: AbortSignal;
};

const EMPTY = 'Type an answer.';

export const createPrompts = ({ stdin, stderr, signal, progress }: PromptStreams): Prompts => {
  const isInteractive = stdin.isTTY && stderr.isTTY;
  const ask = async <T>(
    { message, instead }: Question,
    by: (clack: typeof Clack, streams: Streams) => Promise<T | symbol>,
  ): Promise<T> => {
    if (!isInteractive)
      throw usageError(`The command cannot ask without a terminal: ${message}`, `Give ${instead}.`);
    const clack = await import('@clack/prompts');
    // Each prompt leaves a listener on its signal, and Node 20 warns of a leak at the eleventh.
    const own = new AbortController();
    const stop = (): void => own.abort();
    signal.addEventListener('abort', stop, { once: true });
    const streams = { input: stdin, output: stderr, signal: own.signal };
    try {
      const answer = await progress.hidden(async () => await by(clack, streams));
      if (typeof answer === 'symbol') throw cancelled();
      return answer;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  };
  return {
    isInteractive,
    text: async (question) => {
      const { message, initial, check } = question;
      const answer = await ask<string>(question, async ({ text }, streams) =>
        text({
          ...streams,
          message: printable(message),
          ...(initial === undefined ? {} : { placeholder: initial, defaultValue: initial }),
          validate: (value) => {
            const given = value === undefined || value === '' ? (initial ?? '') : value;
            return given === '' ? EMPTY : check?.(given.trim());
          },
        }),
      );
      return answer.trim();
    },
    hidden: async (question) =>
      await ask<string>(question, async ({ password }, streams) =>
        password({
          ...streams,
          message: printable(question.message),
          validate: (value) =>
            value === undefined || value === '' ? EMPTY : question.check?.(value),
        }),
      ),
    choice: async <T extends string>(
      question: Parameters<Prompts['choice']>[0] & { readonly initial?: string },
    ) =>
      await ask<T>(question, async ({ select }, streams) =>
        select<T>({
          ...streams,
          message: printable(question.message),
          options: [...question.options] as Clack.Option<T>[],
          ...(question.initial === undefined ? {} : { initialValue: question.initial as T }),
        }),
      ),
    confirm: async (question) =>
      await ask<boolean>(question, async ({ confirm }, streams) =>
        confirm({ ...streams, message: printable(question.message), initialValue: false }),
      ),
  };
};

/** Asks nothing, as without a terminal. */
const unasked = async ({ message, instead }: Question): Promise<never> => {
  throw usageError(`The command cannot ask with --yes: ${message}`, `Give ${instead}.`);
};
export const withoutQuestions: Prompts = {
  isInteractive: false,
  text: unasked,
  hidden: unasked,
  choice: unasked,
  confirm: unasked,
};

export type PasswordOptions = {
  readonly env: NodeJS.ProcessEnv;
  /** `--password-file` */
  readonly passwordFile: string | undefined;
  readonly prompts: Prompts;
  readonly note: (text: string) => void;
};

/** Reads passwords from a file, the environment or a hidden prompt; never from argv, which every process can read (CWE-214). */
type Passwords = {
  /** Whether a person types the password, and may try again after a wrong one. */
  readonly isPrompted: boolean;
  /** The password of an existing secret. */
  existing(of: string): Promise<string>;
  /** The password of a new secret, typed twice. */
  fresh(of: string): Promise<string>;
};

const ALTERNATIVES = '--password-file <path>, or the environment variable COUNTERSIGN_PASSWORD';
const MIN_LENGTH = 8;
const MAX_LENGTH = 1024;

const weaknessOf = (password: string): string | undefined => {
  if (password.length > MAX_LENGTH) return `A password has at most ${MAX_LENGTH} characters.`;
  return password.length < MIN_LENGTH
    ? `A password has at least ${MIN_LENGTH} characters.`
    : undefined;
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
        throw usageError(
          weakness,
          'Choose another password: COUNTERSIGN_PASSWORD, or the first line of --password-file.',
        );
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
    throw usageError(
      `No password file exists at ${path}.`,
      `Check --password-file. Relative paths begin at ${process.cwd()}.`,
    );
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) note(`note: other users can read ${path}; run chmod 600 on it.`);
  // Editors add a byte order mark and a line end.
  const password = text.replace(/^\uFEFF/, '').replace(/\r?\n$/, '');
  if (password === '')
    throw usageError(`${path} is empty.`, 'Write the password into its first line.');
  return password;
};
