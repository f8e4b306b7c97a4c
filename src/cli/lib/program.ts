import { Argument, Command, type CommanderError, type Help, Option } from 'commander';
import {
  type CommandSpec,
  type Input,
  inputOf,
  type OptionSpec,
  type SharedOption,
} from './command.ts';
import { type CliError, usageError } from './errors.ts';
import { wrapped } from './text.ts';
import { columnsOf, styleOf, takesColour } from './output.ts';

/** A command that was chosen, with what it was given. */
export type Chosen = {
  readonly spec: CommandSpec;
  readonly input: Input;
};

const PASSWORD: OptionSpec = {
  flags: '--password-file <path>',
  summary: 'file with the password; else it is asked for, or COUNTERSIGN_PASSWORD',
};

const SHARED: Readonly<Record<SharedOption, readonly OptionSpec[]>> = {
  gateway: [
    {
      flags: '-g, --gateway <origin>',
      summary: 'the gateway; that of `npm start` if it runs here',
      env: 'COUNTERSIGN_GATEWAY',
    },
  ],
  signer: [
    {
      flags: '--as <name>',
      summary: 'key, fleet/agent, or operator, owner, agent1 … of `npm start`',
      env: 'COUNTERSIGN_AS',
    },
    PASSWORD,
  ],
  password: [PASSWORD],
};

/** Everywhere, before or after the command's name. */
const GLOBAL: readonly OptionSpec[] = [
  { flags: '--json', summary: 'results as JSON on stdout' },
  { flags: '--no-color', summary: 'no colours, as with NO_COLOR=1' },
];

const GLOBAL_GROUP = 'Everywhere:';

/** Commander's tree of the specs. Throws `CommanderError` instead of ending the process; calls `chosen` for a command to run. */
export const programOf = (
  specs: readonly CommandSpec[],
  version: string,
  process: Pick<NodeJS.Process, 'stdout' | 'stderr' | 'env' | 'argv'>,
  chosen: (chosen: Chosen) => void,
): Command => {
  const { stdout, stderr, env } = process;
  const style = styleOf(takesColour({ colour: !process.argv.includes('--no-color'), env }, stdout));
  const isNarrow = columnsOf(stdout) < 60;
  const dress = (command: Command): Command =>
    command
      .exitOverride()
      .helpOption('-h, --help', 'what it does and takes')
      .configureOutput({
        writeOut: (text) => stdout.write(text),
        // Help where a command's name is missing.
        writeErr: (text) => stdout.write(text),
        // What is wrong is told once, by `run`, with what to do next.
        outputError: () => undefined,
        getOutHelpWidth: () => Math.min(columnsOf(stdout), 100),
        getErrHelpWidth: () => Math.min(columnsOf(stderr), 100),
      })
      .configureHelp({
        helpWidth: Math.min(columnsOf(stdout), 100),
        minWidthToWrap: 24,
        showGlobalOptions: false,
        styleTitle: style.bold,
        styleCommandText: style.accent,
        styleSubcommandText: style.accent,
        styleOptionText: style.accent,
        styleArgumentText: style.accent,
        // Narrow: what it says stands below its term, for there is no room beside it.
        ...(isNarrow
          ? {
              formatItem: stacked,
              styleUsage: (text: string) =>
                wrapped(text, columnsOf(stdout), ' '.repeat('Usage: '.length)),
            }
          : {}),
      });
  const add = (parent: Command, spec: CommandSpec): void => {
    const command = dress(parent.command(spec.name)).description(spec.summary);
    for (const argument of spec.arguments ?? []) command.addArgument(argumentOf(argument));
    for (const option of spec.options ?? []) command.addOption(optionOf(option));
    for (const shared of (spec.shared ?? []).flatMap((name) => SHARED[name]))
      command.addOption(optionOf(shared));
    for (const option of GLOBAL) command.addOption(optionOf(option).helpGroup(GLOBAL_GROUP));
    // Where lines are short an example would break into pieces that cannot be copied.
    if (spec.examples !== undefined && !isNarrow) {
      command.addHelpText(
        'after',
        `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join('\n')}`,
      );
    }
    for (const child of spec.commands ?? []) add(command, child);
    if (spec.run === undefined) return;
    command.action((...given: unknown[]) => {
      const self = given.at(-1) as Command;
      chosen({ spec, input: inputOf(self.args, self.optsWithGlobals()) });
    });
  };
  const program = dress(new Command('countersign'))
    .description('Sells tools to agents, pays for them, and looks after both.')
    .version(version, '-V, --version', 'its version');
  for (const option of GLOBAL) program.addOption(optionOf(option).helpGroup(GLOBAL_GROUP));
  for (const spec of specs) add(program, spec);
  program.addHelpText(
    'after',
    `\n${wrapped('It ends with 0 ok, 1 failed, 2 wrong usage, 3 no network, 4 not authorised, 5 denied by a limit, 130 Ctrl-C.', Math.min(columnsOf(stdout), 100))}`,
  );
  return program;
};

const optionOf = ({ flags, summary, choices, many, env }: OptionSpec): Option => {
  const option = new Option(flags, env === undefined ? summary : `${summary} [${env}]`);
  if (choices !== undefined) option.choices([...choices]);
  if (many === true) {
    option.argParser<string[]>((value, before) => [
      ...(Array.isArray(before) ? before : []),
      value,
    ]);
  }
  return option;
};

const argumentOf = ({
  syntax,
  summary,
  choices,
}: NonNullable<CommandSpec['arguments']>[number]) => {
  const argument = new Argument(syntax, summary);
  return choices === undefined ? argument : argument.choices([...choices]);
};

/** A term and what it says, below each other. */
function stacked(this: Help, term: string, _: number, description: string, helper: Help): string {
  const text = helper.boxWrap(description, Math.max(20, (helper.helpWidth ?? 40) - 6));
  return `  ${term}\n${text
    .split('\n')
    .map((line) => `      ${line}`)
    .join('\n')}`;
}

/** What commander refused, as an error that says what to do next; undefined for help and version, which are answers. */
export const usageErrorOf = (
  error: CommanderError,
  specs: readonly CommandSpec[],
  words: readonly string[],
): CliError | undefined => {
  if (error.exitCode === 0 || error.code === 'commander.help') return undefined;
  const help = `\`${['countersign', ...pathOf(specs, words), '--help'].join(' ')}\` shows what it takes.`;
  const [first = '', suggestion = ''] = error.message.replace(/^error: /, '').split('\n');
  const said = WITH_A_VALUE[error.code]?.(nameIn(first)) ?? first;
  const sentence = `${said.charAt(0).toUpperCase()}${said.slice(1)}${said.endsWith('.') ? '' : '.'}`;
  return usageError(
    sentence,
    suggestion === '' ? help : `${suggestion.replace(/^\(|\)$/g, '')} ${help}`,
  );
};

/** Where commander repeats what was given, only a plain name is: a secret may have been pasted into the wrong place. */
const WITH_A_VALUE: Readonly<Record<string, (name: string | undefined) => string>> = {
  'commander.unknownOption': (name) => `There is no option ${name ?? 'of that name'}`,
  'commander.unknownCommand': (name) => `There is no command ${name ?? 'of that name'}`,
  'commander.excessArguments': () => 'It takes fewer arguments',
};

const nameIn = (message: string): string | undefined =>
  /'(-{0,2}[A-Za-z][A-Za-z-]{0,23})(?:=.*)?'/.exec(message)?.[1];

/** The names of the commands that the words lead to. */
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
