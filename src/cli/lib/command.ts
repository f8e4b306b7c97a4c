import type { Input } from './input.ts';
import type { Session } from './session.ts';

/** One command: its options, its help text, and what it does. */
export type Command = {
  readonly summary: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  /** Options that many commands take, with the same help text. */
  readonly shared?: readonly SharedOption[];
  /** Shown below the options in `--help`. */
  readonly examples?: readonly string[];
  readonly run: (session: Session, input: Input) => Promise<void>;
};

/** Commands under one noun, e.g. `countersign fleet …`. */
export type CommandGroup = {
  readonly summary: string;
  readonly examples?: readonly string[];
  readonly commands: Readonly<Record<string, CommandLoader>>;
};

/** A command's file is imported when its command runs or its help is shown: that halves the start of every other command. */
export type CommandLoader = () => Promise<{ readonly command: Command }>;

export type CommandTree = Readonly<Record<string, CommandLoader | CommandGroup>>;

/** A loaded command or group, as the parser and the completion see it. */
export type CommandSpec = Omit<Command, 'run' | 'summary'> & {
  readonly name: string;
  /** Absent until the command's file is loaded. */
  readonly summary?: string;
  readonly commands?: readonly CommandSpec[];
  readonly run?: Command['run'];
};

export type ArgumentSpec = {
  /** `<name>`, `[name]`, `<names...>` or `[names...]`. */
  readonly syntax: string;
  readonly summary: string;
  readonly choices?: readonly string[];
};

export type OptionSpec = {
  /** E.g. `-X, --request <method>`; an option without `<…>` is a boolean. */
  readonly flags: string;
  readonly summary: string;
  readonly choices?: readonly string[];
  readonly repeatable?: boolean;
  /** Environment variable that gives the value if the option is absent. Shown in `--help`. */
  readonly env?: string;
};

/** `gateway`: --gateway. `signer`: --as and --password-file. `password`: --password-file alone. */
export type SharedOption = 'gateway' | 'signer' | 'password';

/** Gives a command its type, so that tsc checks it where it is written. */
export const defineCommand = (command: Command): Command => command;

export const ACCOUNT: ArgumentSpec = {
  syntax: '<account>',
  summary: 'key name, label, address or CAIP-10 account id',
};

export const ACCOUNT_OR_OWN: ArgumentSpec = {
  syntax: '[account]',
  summary: 'key name, label, address or CAIP-10 account id (default: your own)',
};

export const AS_OPERATOR: OptionSpec = {
  flags: '--operator',
  summary: 'sign as operator, who may see every account',
};

export const REASON: OptionSpec = {
  flags: '--reason <text>',
  summary: 'why; the audit log keeps it',
};
