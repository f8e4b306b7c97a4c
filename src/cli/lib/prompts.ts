import type * as Clack from '@clack/prompts';
import { cancelled, usageError } from './errors.ts';
import type { Progress } from './progress.ts';
import { printable } from './text.ts';

export type Question = {
  readonly message: string;
  /** What to give instead where nobody can be asked, e.g. `--pay-to <address>`. */
  readonly instead: string;
};

/** Asks whoever sits at the terminal. Where nobody does, each question is a usage error that names the flag. */
export type Prompts = {
  /** Whether anybody can be asked. */
  readonly possible: boolean;
  text(
    question: Question & {
      readonly initial?: string;
      /** What is wrong with an answer; undefined: nothing. */
      readonly check?: (text: string) => string | undefined;
    },
  ): Promise<string>;
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
  /** Questions are no results: they go here. */
  readonly stderr: NodeJS.WriteStream;
  readonly signal: AbortSignal;
  readonly progress: Progress;
};

export const createPrompts = ({ stdin, stderr, signal, progress }: PromptStreams): Prompts => {
  const possible = stdin.isTTY && stderr.isTTY;
  const ask = async <T>(
    { message, instead }: Question,
    by: (clack: typeof Clack) => Promise<T | symbol>,
  ): Promise<T> => {
    if (!possible) throw usageError(`Nobody can be asked: ${message}`, `Give ${instead}.`);
    const clack = await import('@clack/prompts');
    const answer = await progress.hidden(async () => await by(clack));
    if (typeof answer === 'symbol') throw cancelled();
    return answer;
  };
  const streams = { input: stdin, output: stderr, signal };
  return {
    possible,
    text: async (question) =>
      (
        await ask<string>(question, async ({ text }) => {
          const { message, initial, check } = question;
          return await text({
            ...streams,
            message: printable(message),
            ...(initial === undefined ? {} : { placeholder: initial, defaultValue: initial }),
            validate: (value) => {
              const given = value === undefined || value === '' ? (initial ?? '') : value;
              return given === '' ? 'Something must be entered.' : check?.(given.trim());
            },
          });
        })
      ).trim(),
    hidden: async (question) =>
      await ask<string>(
        question,
        async ({ password }) =>
          await password({
            ...streams,
            message: printable(question.message),
            validate: (value) =>
              value === undefined || value === ''
                ? 'Something must be entered.'
                : question.check?.(value),
          }),
      ),
    choice: async <T extends string>(
      question: Parameters<Prompts['choice']>[0] & { readonly initial?: string },
    ) =>
      await ask<T>(
        question,
        async ({ select }) =>
          await select<T>({
            ...streams,
            message: printable(question.message),
            options: [...question.options] as Clack.Option<T>[],
            ...(question.initial === undefined ? {} : { initialValue: question.initial as T }),
          }),
      ),
    confirm: async (question) =>
      await ask<boolean>(
        question,
        async ({ confirm }) =>
          await confirm({ ...streams, message: printable(question.message), initialValue: false }),
      ),
  };
};
