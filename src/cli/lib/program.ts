import { Argument, Command, type CommanderError, type Help, Option } from 'commander';
import type { ArgumentSpec, CommandSpec, OptionSpec, SharedOption } from './command.ts';
import { type CliError, usageError } from './errors.ts';
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
const MAX_COLUMNS = 100;
const NARROW = 60;

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
  const isNarrow = columnsOf(stdout) < NARROW;
  const helpWidth = Math.min(columnsOf(stdout), MAX_COLUMNS);
  const configure = (command: Command): Command =>
    command
      .exitOverride()
      .helpOption('-h, --help', 'print this help')
      .configureOutput({
        writeOut: (text) => stdout.write(text),
        // Commander writes a group's help to stderr if the subcommand is missing.
        writeErr: (text) => stdout.write(text),
        // `run` prints each error once, with its hint.
        outputError: () => undefined,
        getOutHelpWidth: () => helpWidth,
        getErrHelpWidth: () => Math.min(columnsOf(stderr), MAX_COLUMNS),
      })
      .configureHelp({
        helpWidth,
        minWidthToWrap: 24,
        showGlobalOptions: false,
        styleTitle: style.bold,
        styleCommandText: style.accent,
        styleSubcommandText: style.accent,
        styleOptionText: style.accent,
        styleArgumentText: style.accent,
        ...(isNarrow
          ? {
              formatItem: stackedItem,
              styleUsage: (text: string) =>
                wrapped(text, columnsOf(stdout), ' '.repeat('Usage: '.length)),
            }
          : {}),
      });
  const add = (parent: Command, spec: CommandSpec): void => {
    const command = configure(parent.command(spec.name)).description(spec.summary ?? '');
    for (const argument of spec.arguments ?? []) command.addArgument(argumentOf(argument));
    for (const option of spec.options ?? []) command.addOption(optionOf(option));
    for (const shared of (spec.shared ?? []).flatMap((name) => SHARED[name]))
      command.addOption(optionOf(shared));
    for (const option of GLOBAL) command.addOption(optionOf(option).helpGroup(GLOBAL_GROUP));
    // On a narrow terminal an example would wrap, and could not be copied.
    if (spec.examples !== undefined && !isNarrow) {
      command.addHelpText(
        'after',
        `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join('\n')}`,
      );
    }
    for (const child of spec.commands ?? []) add(command, child);
    if (spec.commands !== undefined) command.helpCommand(...HELP);
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
  program.helpCommand(...HELP).addHelpText('after', `\n${wrapped(EXIT_CODES, helpWidth)}`);
  return program;
};

const HELP = ['help [command]', 'print the help of a command'] as const;

const EXIT_CODES =
  'Exit codes: 0 success, 1 failure, 2 wrong usage, 3 network failure, 4 not authorised, 5 denied by a limit, 130 cancelled.';

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

/** For narrow terminals: puts the description below its term. */
function stackedItem(
  this: Help,
  term: string,
  _: number,
  description: string,
  helper: Help,
): string {
  const text = helper.boxWrap(description, Math.max(20, (helper.helpWidth ?? 40) - 6));
  return `  ${term}\n${text.replace(/^/gm, '      ')}`;
}

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
  const text = REPEATING_INPUT[error.code]?.(plainNameIn(first)) ?? first;
  const sentence = `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
  return usageError(
    sentence,
    suggestion === '' ? help : `${suggestion.replace(/^\(|\)$/g, '')} ${help}`,
  );
};

/** These messages of commander repeat the input, which may be a private key pasted into the wrong place: repeat plain names only. */
const REPEATING_INPUT: Readonly<Record<string, (name: string | undefined) => string>> = {
  'commander.unknownOption': (name) => `Unknown option${name === undefined ? '' : ` ${name}`}`,
  'commander.unknownCommand': (name) => `Unknown command${name === undefined ? '' : ` ${name}`}`,
  'commander.excessArguments': () => 'Too many arguments',
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
