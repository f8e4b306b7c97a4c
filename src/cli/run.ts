import { CommanderError } from 'commander';
import { type CommandTree, loadCommands } from './lib/command.ts';
import { errorDocument, errorText } from './lib/error-text.ts';
import { cancelled, type CliError, cliErrorOf, Ended, EXIT, type ExitCode } from './lib/errors.ts';
import { columnsOf, jsonOf, styleOf, takesColour } from './lib/output.ts';
import { programOf, type Selected, usageErrorOf } from './lib/program.ts';
import { openSession } from './lib/session.ts';
import { printable } from './lib/text.ts';

/** Parses the command line, runs the selected command and returns the exit code. Prints every error with its next step. */
export const run = async (
  tree: CommandTree,
  version: string,
  process: NodeJS.Process,
): Promise<ExitCode> => {
  const words = process.argv.slice(2);
  let json = words.includes('--json');
  const colour = !words.includes('--no-color');
  const stop = new AbortController();
  let hint: string | undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(cancelled(hint)), { once: true });
  });
  stopped.catch(() => undefined);
  const interrupt = (): void => {
    // The second signal ends the process even if a task ignores the abort.
    if (stop.signal.aborted) process.exit(EXIT.cancelled);
    stop.abort(cancelled(hint));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);

  const report = (error: CliError): ExitCode => {
    const { stderr, env, stdout } = process;
    const style = styleOf(takesColour({ colour, env }, stderr));
    const text = errorText(error, Math.min(columnsOf(stderr), 100), style, Date.now() / 1000);
    if (json) stdout.write(`${jsonOf(errorDocument(error))}\n`);
    stderr.write(`${text}\n`);
    if ((env['COUNTERSIGN_DEBUG'] ?? '') !== '') stderr.write(`${printable(tracesOf(error))}\n`);
    return error.exit;
  };

  // The script of `countersign completion` calls `countersign complete -- <words>`.
  if (words[0] === 'complete') {
    const { complete } = await import('./completion.ts');
    const specs = await loadCommands(tree, 'all');
    const others = specs.filter(({ name }) => name !== 'completion');
    await complete(
      programOf(others, version, process, () => undefined),
      words,
      process,
    );
    return EXIT.ok;
  }
  const specs = await loadCommands(tree, words);
  try {
    let selected: Selected | undefined;
    const program = programOf(specs, version, process, (each) => {
      selected = each;
    });
    await program.parseAsync(process.argv);
    const { spec, input } = selected ?? {};
    if (input === undefined) return EXIT.ok;
    // Until here `--json` could have been the value of another option.
    json = input.flag('json');
    const ifStopped = (next: string): void => {
      hint = next;
    };
    const session = openSession({ json, colour, signal: stop.signal, ifStopped, process }, input);
    const running = spec?.run?.(session, input);
    await (spec?.stopsItself === true ? running : Promise.race([running, stopped]));
    return EXIT.ok;
  } catch (thrown) {
    if (thrown instanceof Ended) return thrown.exit;
    if (thrown instanceof CommanderError) {
      const usage = usageErrorOf(thrown, specs, words);
      if (usage !== undefined) return report(usage);
      return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    }
    return report(stop.signal.aborted ? cancelled(hint) : cliErrorOf(thrown));
  }
};

const tracesOf = (error: Error): string => {
  const traces: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    traces.push(at.stack ?? at.message);
  return traces.join('\ncaused by ');
};
