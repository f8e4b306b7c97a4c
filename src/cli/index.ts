#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commands } from './commands/index.ts';
import { completePlatform } from './platform.ts';
import { run } from './run.ts';

completePlatform();
// `countersign … | head` is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { version } = JSON.parse(
  await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'),
) as { version: string };
const code = await run(commands, version, process);
// What is written must have left before the process ends; a connection that is kept open must not hold it up.
await Promise.all(
  [process.stdout, process.stderr].map(
    async (stream) => await new Promise<void>((resolve) => stream.write('', () => resolve())),
  ),
);
process.exit(code);
