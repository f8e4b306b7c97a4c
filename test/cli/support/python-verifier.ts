import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { ROOT } from '../../../dev/root.ts';
import { entryHash, entryText } from '../../../src/audit/entry.ts';
import type { Entry } from '../../../src/protocol/entry.ts';

export const VERIFIER = join(ROOT, 'examples/verifier-python');
/** A small export of the local stack (`test/conformance/audit-export.test.ts` makes it). */
export const EXPORT = join(ROOT, 'test/vectors/audit-export');

export const isMissing = spawnSync('python3', ['--version']).status !== 0;
/** For the name of a test that is skipped without Python. */
export const why = isMissing
  ? ' (skipped: there is no python3 here; on Debian, apt-get install python3)'
  : '';

/** A check in a report (docs/audit-format.md, Report). */
export type Finding = {
  readonly check: string;
  readonly verdict: string;
  readonly checked: number;
  readonly bounded: number;
  readonly unchecked: number;
  readonly note?: string;
  readonly first?: Readonly<Record<string, string | number>>;
};

export type Report = {
  readonly verdict: string;
  readonly entries: number;
  readonly accounts: number;
  readonly checks: readonly Finding[];
};

/** Runs python3 in the folder of the verifier. `-B` writes no compiled files. */
export const python = async (
  words: readonly string[],
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> =>
  await new Promise((resolve) => {
    const child = execFile(
      'python3',
      ['-B', ...words],
      { cwd: VERIFIER, maxBuffer: 64 * 1024 * 1024 },
      (_, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });

/** The report of the Python verifier, and its exit code. */
export const verifyInPython = async (
  paths: readonly string[],
  options: readonly string[] = [],
): Promise<{ readonly code: number; readonly report: Report }> => {
  const { code, out, err } = await python(['verify.py', '--json', ...options, ...paths]);
  if (out === '') throw new Error(`verify.py ended with ${code}: ${err}`);
  return { code, report: JSON.parse(out) as Report };
};

export const findingOf = ({ checks }: Report, id: string): Finding => {
  const found = checks.find(({ check }) => check === id);
  if (found === undefined) throw new Error(`the report has no check ${id}`);
  return found;
};

/** The checks that found something broken, with the reason of the first fault. */
export const brokenIn = ({ checks }: Report): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    checks
      .filter(({ verdict }) => verdict === 'BROKEN')
      .map(({ check, first }) => [check, first?.['reason']]),
  );

/** A copy of an export that a test may change. */
export type Copy = {
  readonly path: string;
  readonly read: (name: string) => string;
  readonly write: (name: string, text: string | Uint8Array) => void;
  readonly remove: (name: string) => void;
  /** The names of the logs, in order. */
  readonly logs: () => readonly string[];
  readonly entries: (log: string) => readonly Entry[];
  /** Writes entries as they are. */
  readonly put: (log: string, entries: readonly Entry[]) => void;
};

/** Makes copies of the committed export, and removes them after the tests of a file. */
export const useCopies = (): (() => Copy) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-verifier-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  let count = 0;
  return () => {
    count += 1;
    const path = join(directory, String(count));
    cpSync(EXPORT, path, { recursive: true });
    const read: Copy['read'] = (name) => readFileSync(join(path, name), 'utf8');
    const write: Copy['write'] = (name, text) => writeFileSync(join(path, name), text);
    return {
      path,
      read,
      write,
      remove: (name) => rmSync(join(path, name)),
      logs: () =>
        readdirSync(join(path, 'entries'))
          .toSorted()
          .map((name) => join('entries', name)),
      entries: (log) =>
        read(log)
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as Entry),
      put: (log, entries) => write(log, entries.map((entry) => `${entryText(entry)}\n`).join('')),
    };
  };
};

/** The entries with seqs and links made anew, as an operator would who rewrites a chain. */
export const relinked = (entries: readonly Entry[]): readonly Entry[] => {
  const linked: Entry[] = [];
  for (const entry of entries) {
    const before = linked.at(-1);
    linked.push({
      ...entry,
      seq: linked.length + 1,
      prev: before === undefined ? `0x${'00'.repeat(32)}` : entryHash(before),
    });
  }
  return linked;
};
