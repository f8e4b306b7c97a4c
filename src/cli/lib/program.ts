import { Argument, Command, type CommanderError, Option } from 'commander';
import type { ArgumentSpec, CommandSpec, OptionSpec, SharedOption } from './command.ts';
import { type CliError, usageError } from './errors.ts';
import { examplesText, HELP_SECTION, helpLayout, MAX_COLUMNS } from './help.ts';
import { type Input, inputOf } from './input.ts';
import { columnsOf, styleOf, takesColour } from './output.ts';
import { wrapped } from './text.ts';

/** The command that the command line selected, with its arguments and options. */
export type Selected = {
  readonly spec: CommandSpec;
  readonly input: Input;
};

const PASSWORD: OptionSpec = {
  flags: '--password-file <path>',
  summary: 'file that holds the password (default: COUNTERSIGN_PASSWORD, else a prompt)',
};

const SHARED: Readonly<Record<SharedOption, readonly OptionSpec[]>> = {
  gateway: [
    {
      flags: '-g, --gateway <origin>',
      summary: 'origin of the gateway (default: the local stack of `npm start`)',
      env: 'COUNTERSIGN_GATEWAY',
    },
  ],
  signer: [
    {
      flags: '--as <name>',
      summary:
        'key that signs: a key name, fleet/agent, or operator, owner, agent1 … of `npm start`',
      env: 'COUNTERSIGN_AS',
    },
    PASSWORD,
  ],
  password: [PASSWORD],
};

/** Accepted before and after the command's name. */
const GLOBAL: readonly OptionSpec[] = [
  { flags: '--json', summary: 'print results as JSON on stdout' },
  { flags: '--no-color', summary: 'print no colours, as NO_COLOR=1 does' },
];

const GLOBAL_GROUP = 'Global options:';

/**
 * Builds commander's parser from the specs. The parser throws `CommanderError` instead of ending the process, and calls `select`
 * instead of running a command.
 */
export const programOf = (
  specs: readonly CommandSpec[],
  version: string,
  { stdout, stderr, env, argv }: Pick<NodeJS.Process, 'stdout' | 'stderr' | 'env' | 'argv'>,
  select: (selected: Selected) => void,
): Command => {
  const style = styleOf(takesColour({ colour: !argv.includes('--no-color'), env }, stdout));
  const width = columnsOf(stdout);
  const configure = (command: Command): Command =>
    command
      .exitOverride()
      .addHelpOption(new Option('-h, --help', 'print this help').helpGroup(GLOBAL_GROUP))
      .configureOutput({
        writeOut: (text) => stdout.write(text),
        // Commander writes a group's help to stderr if the subcommand is missing.
        writeErr: (text) => stdout.write(text),
        // `run` prints each error once, with its hint.
        outputError: () => undefined,
        getOutHelpWidth: () => Math.min(width, MAX_COLUMNS),
        getErrHelpWidth: () => Math.min(columnsOf(stderr), MAX_COLUMNS),
      })
      .configureHelp(helpLayout(width, style));
  const add = (parent: Command, spec: CommandSpec): void => {
    const command = configure(parent.command(spec.name)).description(spec.summary ?? '');
    if (spec.section !== undefined) command.helpGroup(spec.section);
    for (const argument of spec.arguments ?? []) command.addArgument(argumentOf(argument));
    for (const option of spec.options ?? []) command.addOption(optionOf(option));
    for (const shared of (spec.shared ?? []).flatMap((name) => SHARED[name]))
      command.addOption(optionOf(shared));
    for (const option of GLOBAL) command.addOption(optionOf(option).helpGroup(GLOBAL_GROUP));
    command.addHelpText('after', examplesText(spec.examples ?? [], width));
    for (const child of spec.commands ?? []) add(command, child);
    if (spec.commands !== undefined)
      command.helpCommand('help [command]', 'print the help of a command');
    if (spec.run === undefined) return;
    command.action((...given: unknown[]) => {
      const self = given.at(-1) as Command;
      select({ spec, input: inputOf(self.args, self.optsWithGlobals()) });
    });
  };
  const program = configure(new Command('countersign'))
    .description('Sell tools to AI agents, pay for calls, and govern what agents may spend.')
    .version(version, '-V, --version', 'print the version');
  for (const option of GLOBAL) program.addOption(optionOf(option).helpGroup(GLOBAL_GROUP));
  for (const spec of specs) add(program, spec);
  const help = new Command('help').argument('[command]').description('print the help of a command');
  program
    .addHelpCommand(help.helpOption(false).helpGroup(HELP_SECTION))
    .addHelpText('after', `\n${wrapped(EXIT_CODES, Math.min(width, MAX_COLUMNS))}`);
  return program;
};

const EXIT_CODES =
  'Exit codes: 0 success, 1 failure, 2 wrong usage, 3 network failure, 4 not authorised, 5 denied by a limit, 6 answer broken off, 130 cancelled.';

const optionOf = ({ flags, summary, choices, repeatable, env }: OptionSpec): Option => {
  const option = new Option(flags, env === undefined ? summary : `${summary} [${env}]`);
  if (choices !== undefined) option.choices([...choices]);
  if (repeatable === true) {
    option.argParser<string[]>((value, before) => [
      ...(Array.isArray(before) ? before : []),
      value,
    ]);
  }
  return option;
};

const argumentOf = ({ syntax, summary, choices }: ArgumentSpec): Argument => {
  const argument = new Argument(syntax, summary);
  return choices === undefined ? argument : argument.choices([...choices]);
};

/** Commander's refusal as an error with a next step; undefined for help and version. */
export const usageErrorOf = (
  error: CommanderError,
  specs: readonly CommandSpec[],
  words: readonly string[],
): CliError | undefined => {
  if (error.exitCode === 0 || error.code === 'commander.help') return undefined;
  const path = ['countersign', ...pathOf(specs, words), '--help'].join(' ');
  const help = `\`${path}\` lists arguments and options.`;
  const [first = '', suggestion = ''] = error.message.replace(/^error: /, '').split('\n');
  const text =
    error.code === 'commander.invalidArgument'
      ? choicesText(first)
      : (REPEATING_INPUT[error.code]?.(plainNameIn(first)) ?? first);
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
  return usageError(
    sentence,
    suggestion === '' ? help : `${suggestion.replace(/^\(|\)$/g, '')} ${help}`,
  );
};

/**
 * These messages of commander repeat the input, which may be a private key pasted into the wrong place. Show the input only if it is a
 * plain name.
 */
const REPEATING_INPUT: Readonly<Record<string, (name: string | undefined) => string>> = {
  'commander.unknownOption': (name) => `Unknown option${name === undefined ? '' : ` ${name}`}`,
  'commander.unknownCommand': (name) => `Unknown command${name === undefined ? '' : ` ${name}`}`,
  'commander.excessArguments': () => 'Too many arguments',
};

/** `--by takes one of tool, agent, payee, day`: commander's own text repeats the value. */
const choicesText = (message: string): string => {
  const [, subject = 'An argument'] =
    /for argument '([a-z-]+)'/.exec(message) ??
    /option '(?:-[a-zA-Z], )?(--[a-z-]+)/.exec(message) ??
    [];
  const [, choices] = /Allowed choices are (.+)\.$/.exec(message) ?? [];
  return choices === undefined
    ? `${subject} has a value that it does not take`
    : `${subject.startsWith('-') ? subject : `<${subject}>`} takes one of ${choices}`;
};

const plainNameIn = (message: string): string | undefined =>
  /'(-{0,2}[A-Za-z][A-Za-z-]{0,23})(?:=.*)?'/.exec(message)?.[1];

const pathOf = (specs: readonly CommandSpec[], words: readonly string[]): readonly string[] => {
  const path: string[] = [];
  let level: readonly CommandSpec[] = specs;
  for (const word of words) {
    const spec = level.find(({ name }) => name === word);
    if (spec === undefined) continue;
    path.push(spec.name);
    level = spec.commands ?? [];
  }
  return path;
};
