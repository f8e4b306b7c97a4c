import type { CommandTree } from './lib/command.ts';
import { run } from './run.ts';

// Node 20, the oldest that these commands support, lacks these two functions.
const urls = URL as { parse?: (text: string, base?: string) => URL | null };
urls.parse ??= (text, base) => (URL.canParse(text, base) ? new URL(text, base) : null);
const promises = Promise as { withResolvers?: <T>() => PromiseWithResolvers<T> };
promises.withResolvers ??= <T>() => {
  let resolve: (value: T | PromiseLike<T>) => void = () => undefined;
  let reject: (reason?: unknown) => void = () => undefined;
  const promise = new Promise<T>((...ends) => {
    [resolve, reject] = ends;
  });
  return { promise, resolve, reject };
};

/** Runs this process as a command line with these commands, and ends it. */
export const main = async (commands: CommandTree, version: string): Promise<never> => {
  // `countersign … | head` closes the pipe early: that is not a failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  const code = await run(commands, version, process);
  // Flush both streams before the exit; the exit is explicit because keep-alive connections would hold the process.
  await Promise.all(
    [process.stdout, process.stderr].map(
      async (stream) => await new Promise<void>((resolve) => stream.write('', () => resolve())),
    ),
  );
  process.exit(code);
};
