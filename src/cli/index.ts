#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commands } from './commands.ts';
import { run } from './run.ts';

// Node 20, the oldest that this command supports, lacks these two functions.
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

// `countersign … | head` closes the pipe early: that is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { version } = JSON.parse(
  await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'),
) as { version: string };
const code = await run(commands, version, process);
// Flush both streams before the exit; the exit is explicit because keep-alive connections would hold the process.
await Promise.all(
  [process.stdout, process.stderr].map(
    async (stream) => await new Promise<void>((resolve) => stream.write('', () => resolve())),
  ),
);
process.exit(code);
