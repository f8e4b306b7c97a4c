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
  /** Ctrl-C aborts the signal of the session, and the command ends by itself: it has processes to end. */
  readonly stopsItself?: true;
};

/** The commands of one noun, e.g. `countersign fleet …`, in the order of its help. The noun's file exports it as `group`. */
export type CommandGroup = {
  readonly examples?: readonly string[];
  readonly commands: Readonly<Record<string, Command>>;
};

/**
 * The words after `countersign`, by their heading in `--help`. A file is imported when one of its commands runs or its help is shown: that
 * halves the start of every other command. The summary of a group is here, so that `countersign --help` needs no file of a group.
 */
export type CommandTree = Readonly<Record<string, Readonly<Record<string, CommandNode>>>>;

type CommandNode =
  | (() => Promise<Command>)
  | { readonly summary: string; readonly load: () => Promise<CommandGroup> };

/** A command or group, as the parser and the completion see it. */
export type CommandSpec = Omit<Command, 'run' | 'summary'> & {
  readonly name: string;
  /** The heading above it in `--help`; absent for a command of a group. */
  readonly section?: string;
  /** Absent until the command's file is loaded. */
  readonly summary?: string;
  readonly commands?: readonly CommandSpec[];
  readonly run?: Command['run'];
};

/**
 * Loads the file that a command line names; without a name, the commands that `countersign --help` describes. Every other word stays a bare
 * name, which is all that the parser needs to suggest it. `all` loads every file.
 */
export const loadCommands = async (
  tree: CommandTree,
  words: readonly string[] | 'all',
): Promise<readonly CommandSpec[]> => {
  const nodes = Object.entries(tree).flatMap(([section, own]) =>
    Object.entries(own).map(([name, node]) => ({ section, name, node })),
  );
  const named =
    words === 'all' ? undefined : words.find((word) => nodes.some(({ name }) => name === word));
  return await Promise.all(
    nodes.map(async ({ section, name, node }): Promise<CommandSpec> => {
      const isNamed = words === 'all' || name === named;
      const base = { section, name };
      if (typeof node === 'function')
        return isNamed || named === undefined ? { ...base, ...(await node()) } : base;
      const { summary, load } = node;
      return { ...base, summary, ...(isNamed ? specOf(await load()) : {}) };
    }),
  );
};

const specOf = ({ examples, commands }: CommandGroup): Omit<CommandSpec, 'name'> => ({
  ...(examples === undefined ? {} : { examples }),
  commands: Object.entries(commands).map(([name, command]) => ({ name, ...command })),
});

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

export const ACCOUNT: ArgumentSpec = {
  syntax: '<account>',
  summary: 'key name, label, address or account id',
};

export const ACCOUNT_OR_OWN: ArgumentSpec = {
  syntax: '[account]',
  summary: 'key name, label, address or account id (default: your own)',
};

export const AS_OPERATOR: OptionSpec = {
  flags: '--operator',
  summary: 'sign as operator, who may see every account',
};

export const REASON: OptionSpec = {
  flags: '--reason <text>',
  summary: 'why; the audit log keeps it',
};
