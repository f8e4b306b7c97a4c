import { usageError } from './errors.ts';
import type { Session } from './session.ts';

/** A command as its file describes it. What it does is loaded only when it runs. */
export type CommandSpec = {
  readonly name: string;
  readonly summary: string;
  /** Shown below the options in `--help`. */
  readonly examples?: readonly string[];
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  /** Options that several commands have, with the same words: where, who. */
  readonly shared?: readonly SharedOption[];
  readonly commands?: readonly CommandSpec[];
  readonly run?: (session: Session, input: Input) => Promise<void>;
};

export type ArgumentSpec = {
  /** `<name>`, `[name]`, `<names...>` or `[names...]`. */
  readonly syntax: string;
  readonly summary: string;
  readonly choices?: readonly string[];
};

export type OptionSpec = {
  /** E.g. `-X, --request <method>`; `<…>` takes a value, without it is yes or no. */
  readonly flags: string;
  readonly summary: string;
  readonly choices?: readonly string[];
  /** May be given more than once. */
  readonly many?: boolean;
  /** Where the value comes from if the option is not given. Shown in `--help`. */
  readonly env?: string;
};

/** `gateway`: --gateway. `signer`: --as, --password-file. `password`: the latter alone. */
export type SharedOption = 'gateway' | 'signer' | 'password';

/** What was given on the command line. Names of options in camel case, as `passwordFile`. */
export type Input = {
  readonly arguments: readonly string[];
  text(option: string): string | undefined;
  list(option: string): readonly string[];
  flag(option: string): boolean;
  /** Whole and in range. @throws CliError usage */
  number(option: string, least: number, most: number): number | undefined;
};

/** The spec as it is: gives its type, so that a file is checked where it is written. */
export const defineCommand = (spec: CommandSpec): CommandSpec => spec;

export const inputOf = (
  given: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Input => {
  const text = (option: string): string | undefined => {
    const value = options[option];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    arguments: given,
    text,
    list: (option) => {
      const value = options[option];
      return Array.isArray(value) ? (value as readonly string[]) : [];
    },
    flag: (option) => options[option] === true,
    number: (option, least, most) => {
      const value = text(option);
      if (value === undefined) return undefined;
      const number = /^(0|[1-9][0-9]{0,9})$/.test(value) ? Number(value) : Number.NaN;
      if (number >= least && number <= most) return number;
      const flag = `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      throw usageError(
        `${flag} takes a whole number from ${least} to ${most}.`,
        `Correct ${flag}, and run the command again.`,
      );
    },
  };
};
