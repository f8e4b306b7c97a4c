import type * as Clack from '@clack/prompts';
import { cancelled, usageError } from './errors.ts';
import type { Progress } from './progress.ts';
import { printable } from './text.ts';

export type Question = {
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

export type PromptStreams = {
  readonly stdin: NodeJS.ReadStream;
  /** Questions go to stderr: stdout holds results only. */
  readonly stderr: NodeJS.WriteStream;
  readonly signal: AbortSignal;
  readonly progress: Progress;
};

const EMPTY = 'Type an answer.';

export const createPrompts = ({ stdin, stderr, signal, progress }: PromptStreams): Prompts => {
  const isInteractive = stdin.isTTY && stderr.isTTY;
  const ask = async <T>(
    { message, instead }: Question,
    by: (clack: typeof Clack) => Promise<T | symbol>,
  ): Promise<T> => {
    if (!isInteractive)
      throw usageError(`The command cannot ask without a terminal: ${message}`, `Give ${instead}.`);
    const clack = await import('@clack/prompts');
    const answer = await progress.hidden(async () => await by(clack));
    if (typeof answer === 'symbol') throw cancelled();
    return answer;
  };
  const streams = { input: stdin, output: stderr, signal };
  return {
    isInteractive,
    text: async (question) => {
      const { message, initial, check } = question;
      const answer = await ask<string>(question, async ({ text }) =>
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
      await ask<string>(question, async ({ password }) =>
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
      await ask<T>(question, async ({ select }) =>
        select<T>({
          ...streams,
          message: printable(question.message),
          options: [...question.options] as Clack.Option<T>[],
          ...(question.initial === undefined ? {} : { initialValue: question.initial as T }),
        }),
      ),
    confirm: async (question) =>
      await ask<boolean>(question, async ({ confirm }) =>
        confirm({ ...streams, message: printable(question.message), initialValue: false }),
      ),
  };
};
