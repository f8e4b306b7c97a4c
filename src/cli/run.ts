import { CommanderError } from 'commander';
import type { CommandSpec } from './lib/command.ts';
import { Ended } from './lib/ended.ts';
import { errorDocument, errorText } from './lib/error-text.ts';
import { cancelled, type CliError, cliErrorOf } from './lib/errors.ts';
import { EXIT, type ExitCode } from './lib/exit-code.ts';
import { columnsOf, jsonOf, styleOf, takesColour } from './lib/output.ts';
import { type Chosen, programOf, usageErrorOf } from './lib/program.ts';
import { openSession } from './lib/session.ts';
import { printable } from './lib/text.ts';

/** One run: words in, exit code out. Whatever is thrown becomes words that say what to do next. */
export const run = async (
  specs: readonly CommandSpec[],
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
    // Asked twice: whatever does not end by itself is left.
    if (stop.signal.aborted) process.exit(EXIT.cancelled);
    stop.abort(cancelled(hint));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);

  const tell = (error: CliError): ExitCode => {
    const { stderr, env, stdout } = process;
    const style = styleOf(takesColour({ colour, env }, stderr));
    const text = errorText(error, Math.min(columnsOf(stderr), 100), style, Date.now() / 1000);
    if (json) stdout.write(`${jsonOf(errorDocument(error))}\n`);
    stderr.write(`${text}\n`);
    if ((env['COUNTERSIGN_DEBUG'] ?? '') !== '') stderr.write(`${printable(traceOf(error))}\n`);
    return error.exit;
  };

  let choice: Chosen | undefined;
  try {
    const isCompletion = words[0] === 'complete';
    const known = isCompletion ? specs.filter(({ name }) => name !== 'completion') : specs;
    const program = programOf(known, version, process, (chosen) => {
      choice = chosen;
    });
    if (isCompletion) {
      const { complete } = await import('./completion.ts');
      await complete(program, words);
      return EXIT.ok;
    }
    await program.parseAsync(process.argv);
    if (choice === undefined) return EXIT.ok;
    const { spec, input } = choice;
    // The option itself now, not a value that looks like it.
    json = input.flag('json');
    const ifStopped = (next: string): void => {
      hint = next;
    };
    const session = openSession({ json, colour, signal: stop.signal, ifStopped, process }, input);
    await Promise.race([spec.run?.(session, input), stopped]);
    return EXIT.ok;
  } catch (thrown) {
    if (thrown instanceof Ended) return thrown.exit;
    if (thrown instanceof CommanderError) {
      const usage = usageErrorOf(thrown, specs, words);
      if (usage !== undefined) return tell(usage);
      return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    }
    return tell(stop.signal.aborted ? cancelled(hint) : cliErrorOf(thrown));
  }
};

/** The whole chain of causes, for whoever looks for a fault of the command itself. */
const traceOf = (error: Error): string => {
  const traces: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    traces.push(at.stack ?? at.message);
  return traces.join('\ncaused by ');
};
