import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Entry } from '../../src/protocol/entry.ts';
import { ROOT } from '../root.ts';
import type { Called } from './callers.ts';
import type { Stage } from './stage.ts';

/** The exported folder and the receipts, below the directory of a storm. */
export const EXPORT = 'export';
export const RECEIPTS = 'receipts.jws';

const MAX_OUTPUT = 64 * 1024 * 1024;
const run = promisify(execFile);

/** Exports every account as the operator does, with the command. @throws Error with the output of the command */
export const exportAll = async (
  { stack, directory }: Pick<Stage, 'stack' | 'directory'>,
  out: string,
): Promise<void> => {
  const words = ['audit', 'export', '--all', '-o', join(out, EXPORT)];
  const as = ['--as', 'operator', '--operator', '--gateway', stack.gateway.url];
  await run(process.execPath, [join(ROOT, 'src/cli/index.ts'), ...words, ...as], {
    cwd: directory,
    env: { ...process.env, COUNTERSIGN_HOME: join(directory, 'home') },
    maxBuffer: MAX_OUTPUT,
  });
};

/** Writes the receipts that the callers hold, one a line. */
export const writeReceipts = async (called: readonly Called[], out: string): Promise<number> => {
  const receipts = called.flatMap(({ told }) =>
    told.kind === 'served' && told.receipt !== undefined ? [told.receipt] : [],
  );
  await mkdir(out, { recursive: true });
  await writeFile(join(out, RECEIPTS), receipts.map((each) => `${each}\n`).join(''));
  return receipts.length;
};

/** Reads the exported entries of every account, in the order of each chain. */
export const readEntries = async (out: string): Promise<readonly Entry[]> => {
  const folder = join(out, EXPORT, 'entries');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ndjson'));
  const texts = await Promise.all(
    names.map(async (name) => await readFile(join(folder, name), 'utf8')),
  );
  return texts.flatMap((text) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Entry),
  );
};
