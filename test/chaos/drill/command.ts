import { execFile } from 'node:child_process';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../../dev/root.ts';
import { entryHash } from '../../../src/audit/entry.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import type { Stage } from '../support/stage.ts';
import type { Sale } from './sale.ts';

export type Ran = { readonly code: number; readonly text: string };

const run = async (
  program: string,
  words: readonly string[],
  directory: string,
  timeout = 0,
): Promise<Ran> =>
  await new Promise((resolve) => {
    const env = {
      ...{ PATH: process.env['PATH'], HOME: directory },
      COUNTERSIGN_HOME: join(directory, 'home'),
    };
    const child = execFile(
      program,
      words,
      {
        cwd: directory,
        env: env as unknown as NodeJS.ProcessEnv,
        maxBuffer: 64 * 1_048_576,
        timeout,
      },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, text: stdout + stderr }),
    );
    child.stdin?.end();
  });

/**
 * Runs a documented command beside the stack's description, so that it finds the keys of the stack.
 *
 * @param timeout milliseconds; a command that is ended by it has the code -1. 0: none.
 */
export const countersign = async (
  { directory }: Stage,
  words: readonly string[],
  timeout = 0,
): Promise<Ran> =>
  await run(process.execPath, [join(ROOT, 'dist/cli/index.js'), ...words], directory, timeout);

/** The faults that a verifier names, by check. */
export type Verdicts = {
  readonly exit: number;
  readonly broken: Readonly<Record<string, string>>;
};

type Report = {
  readonly checks: readonly {
    readonly check: string;
    readonly verdict: string;
    readonly first?: { readonly reason?: string };
  }[];
};

const verdictsOf = ({ code, text }: Ran): Verdicts => {
  const line = text.split('\n').find((each) => each.startsWith('{'));
  if (line === undefined) throw new Error(`a verifier ended with ${code}: ${text}`);
  const { checks } = JSON.parse(line) as Report;
  const broken = checks
    .filter(({ verdict }) => verdict === 'BROKEN' || verdict === 'broken')
    .map(({ check, first }) => [check, first?.reason ?? '']);
  return { exit: code, broken: Object.fromEntries(broken) as Record<string, string> };
};

/** What both verifiers say about an export of all accounts with all receipts, and the hashes of its entries. */
export type Verified = {
  readonly typescript: Verdicts;
  readonly python: Verdicts;
  readonly entries: ReadonlySet<string>;
};

const entriesIn = async (folder: string): Promise<ReadonlySet<string>> => {
  const hashes = new Set<string>();
  for (const name of await readdir(folder)) {
    const text = await readFile(join(folder, name), 'utf8');
    for (const line of text.split('\n'))
      if (line !== '') hashes.add(entryHash(JSON.parse(line) as Entry));
  }
  return hashes;
};

/**
 * Exports the log of all accounts and verifies it with both verifiers.
 *
 * @param checkpoint a file with an earlier checkpoint, which the log must extend.
 */
export const verifyAll = async (
  stage: Stage,
  sales: readonly Sale[],
  checkpoint?: string,
): Promise<Verified> => {
  const folder = join(stage.directory, 'export');
  const receipts = join(stage.directory, 'receipts.txt');
  const key = join(stage.directory, 'log-key');
  await rm(folder, { recursive: true, force: true });
  await writeFile(receipts, sales.map(({ receipt }) => `${receipt}\n`).join(''));
  const exported = await countersign(stage, ['audit', 'export', '--all', '-o', folder]);
  if (exported.code !== 0) throw new Error(`audit export ended with ${exported.text}`);
  await cp(join(folder, 'log-key'), key);
  const words = [
    ...[folder, '--receipts', receipts, '--log-key', key, '--json'],
    ...(checkpoint === undefined ? [] : ['--checkpoint', checkpoint]),
  ];
  const [typescript, python] = await Promise.all([
    countersign(stage, ['audit', 'verify', ...words]),
    run('python3', ['-B', 'verify.py', ...words], join(ROOT, 'examples/verifier-python')),
  ]);
  return {
    typescript: verdictsOf(typescript),
    python: verdictsOf(python),
    entries: await entriesIn(join(folder, 'entries')),
  };
};
