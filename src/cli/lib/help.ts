import type { Command, Help, HelpConfiguration } from 'commander';
import type { Style } from './output.ts';
import { widthOf, wrapped } from './text.ts';

/** Prose stays readable up to here, also in a pipe. */
export const MAX_COLUMNS = 80;

/** Below this width a description goes under its term. */
const NARROW = 60;

/** The heading of the commands `completion` and `help`. */
export const HELP_SECTION = 'Help:';

/** How commander prints help at this width. */
export const helpLayout = (width: number, style: Style): HelpConfiguration => {
  const helpWidth = Math.min(width, MAX_COLUMNS);
  return {
    helpWidth,
    minWidthToWrap: 24,
    showGlobalOptions: false,
    subcommandTerm: termOf,
    styleTitle: style.bold,
    styleCommandText: style.accent,
    styleSubcommandText: style.accent,
    styleOptionText: style.accent,
    styleArgumentText: style.accent,
    styleUsage: (text) => wrapped(text, helpWidth, ' '.repeat('Usage: '.length)),
    ...(width < NARROW ? { formatItem: stackedItem } : {}),
  };
};

/** Commander adds `[options]` to every term: every command has some. */
const termOf = (command: Command): string =>
  [
    command.name(),
    ...command.registeredArguments.map((argument) => {
      const shown = `${argument.name()}${argument.variadic ? '...' : ''}`;
      return argument.required ? `<${shown}>` : `[${shown}]`;
    }),
  ].join(' ');

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

/**
 * The examples of a command. A long example continues after a backslash, so that a shell accepts the copied lines. A narrow terminal would
 * wrap them, so it shows no examples.
 */
export const examplesText = (examples: readonly string[], width: number): string =>
  examples.length === 0 || width < NARROW
    ? ''
    : [
        `\n${examples.length === 1 ? 'Example' : 'Examples'}:`,
        ...examples.flatMap((example) => shellLines(example, Math.min(width, MAX_COLUMNS) - 2)),
      ].join('\n');

/** Splits a command line at its unquoted spaces, never between an option and its value. */
const shellLines = (line: string, width: number): readonly string[] => {
  const words = line.match(/(?:-{1,2}[a-zA-Z][a-z-]* (?!-))?(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  const lines: string[] = [];
  let open = ' ';
  for (const word of words) {
    const longer = `${open} ${word}`;
    // Two columns stay for the backslash.
    if (widthOf(longer) <= width || open.trim() === '') {
      open = longer;
      continue;
    }
    lines.push(`${open} \\`);
    open = `     ${word}`;
  }
  return [...lines, open];
};
