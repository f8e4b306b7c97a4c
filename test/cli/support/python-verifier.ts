import { type ChildProcessByStdio, execFile, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterAll, expect } from 'vitest';
import { ROOT } from '../../../dev/root.ts';
import { entryHash, entryText } from '../../../src/audit/entry.ts';
import {
  type Export,
  exitCodeOf,
  type Report as AnyReport,
  verify,
} from '../../../src/audit/verify/index.ts';
import { logFile, namedText, openExportFolder } from '../../../src/cli/audit/export-folder.ts';
import { CliError, EXIT } from '../../../src/cli/lib/errors.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { type ExportTexts, leafLines, yearsOf } from '../../support/export-texts.ts';

export const VERIFIER = join(ROOT, 'examples/verifier-python');
/** A small export of a local stack. `test/cli/audit-export.test.ts` writes it. */
export const EXPORT = join(ROOT, 'test/vectors/audit-export');

export const isMissing = spawnSync('python3', ['--version']).status !== 0;
/** Appended to the name of a test that is skipped without Python. */
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

/** Runs python3 in the folder of the verifier. `-B` prevents compiled files. */
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

/** Runs the verifier for each line of arguments on stdin, and prints the exit code after each report. */
const MANY_RUNS = `
import functools, json, sys
import ed25519, keccak, secp256k1
# Copies of an export share most signatures, and Python needs milliseconds for each.
for module, name in ((ed25519, "verify"), (keccak, "keccak256"), (secp256k1, "recover")):
    setattr(module, name, functools.lru_cache(100_000)(getattr(module, name)))
import verify
for line in sys.stdin:
    print(verify.main(json.loads(line)), flush=True)
`;

type Runs = {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly lines: AsyncIterator<string>;
};

/**
 * One process verifies all files of a test, because starting Python takes longer than a small export. It ends when this process ends and
 * closes its stdin.
 */
let runs: Runs | undefined;
let last: Promise<unknown> = Promise.resolve();

const startRuns = (): Runs => {
  const child = spawn('python3', ['-B', '-c', MANY_RUNS], {
    cwd: VERIFIER,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.unref();
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
};

/** A run with wrong usage has no report. */
type Ran = { readonly code: number; readonly report?: Report };

const runOnce = async (words: readonly string[]): Promise<Ran> => {
  runs ??= startRuns();
  const { child, lines } = runs;
  child.stdin.write(`${JSON.stringify(words)}\n`);
  const next = async (): Promise<string> => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error(`verify.py ended on ${words.join(' ')}`);
    return value;
  };
  const report = await next();
  if (/^\d+$/.test(report)) return { code: Number(report) };
  return { report: JSON.parse(report) as Report, code: Number(await next()) };
};

/** Runs the Python verifier. Returns its report and exit code. */
export const verifyInPython = async (
  paths: readonly string[],
  options: readonly string[] = [],
): Promise<{ readonly code: number; readonly report: Report }> => {
  const { code, report } = await runInPython(paths, options);
  if (report === undefined) throw new Error(`verify.py ended with ${code}`);
  return { code, report };
};

const runInPython = async (paths: readonly string[], options: readonly string[]): Promise<Ran> => {
  const run = last.then(async () => await runOnce(['--json', ...options, ...paths]));
  last = run.catch(() => undefined);
  return await run;
};

const runInTypeScript = async (
  paths: readonly string[],
  options: readonly string[],
): Promise<Ran> => {
  try {
    const report = await verifyInTypeScript(paths, options);
    return { code: exitCodeOf(report.verdict), report };
  } catch (thrown) {
    if (thrown instanceof CliError && thrown.exit === EXIT.usage) return { code: 3 };
    throw thrown;
  }
};

/** The results of both verifiers on one folder: exit code, verdicts, and the entry that each broken check names. */
export const verdictsOf = async (
  folder: string,
): Promise<readonly [typescript: unknown, python: unknown]> => {
  const options = ['--workers', '1', '--receipts', join(folder, 'receipts.txt')];
  const ran = await Promise.all([
    runInTypeScript([folder], options),
    runInPython([folder], options),
  ]);
  const ids = ran[0].report?.checks.map(({ check }) => check) ?? [];
  const [typescript, other] = ran.map(({ code, report }) => ({
    code,
    ...(report === undefined ? {} : { verdict: report.verdict, found: comparable(report, ids) }),
  }));
  return [typescript, other];
};

/** Runs the TypeScript verifier on the same files. */
const verifyInTypeScript = async (
  paths: readonly string[],
  options: readonly string[],
): Promise<AnyReport> => {
  const path = paths[0] ?? '';
  const isFolder = statSync(path).isDirectory();
  const folder = isFolder ? await openExportFolder(path) : undefined;
  const valuesOf = (option: string): readonly string[] =>
    options.flatMap((each, at) => (each === option ? (options[at + 1] ?? []) : []));
  const pinned = await Promise.all(valuesOf('--log-key').map(namedText));
  const given: Export = folder ?? { entries: [await logFile(path)] };
  const log = given.log && (pinned.length === 0 ? given.log : { ...given.log, pinned });
  const [[receipts], [contains]] = [valuesOf('--receipts'), valuesOf('--contains')];
  return await verify(log === undefined ? given : { ...given, log }, {
    ...(receipts === undefined
      ? {}
      : { receipts: { file: await logFile(receipts), keys: await namedText(folder?.jwks ?? '') } }),
    ...(contains === undefined ? {} : { contains: contains as Hex }),
  });
};

/**
 * The part on which two reports must agree: every verdict, the first fault of each broken check, and how much each other check covered. The
 * wording of notes and the counts after a fault may differ.
 */
const comparable = ({ entries, accounts, checks }: Report, ids: readonly string[]): unknown => ({
  entries,
  accounts,
  checks: checks
    .filter(({ check }) => ids.includes(check))
    .map(({ check, verdict, checked, bounded, unchecked, first }) =>
      verdict === 'BROKEN'
        ? { check, verdict, first }
        : { check, verdict, checked, bounded, unchecked },
    ),
});

/** Runs both verifiers, expects equal reports, and returns the Python one. */
export const verifyInBoth: typeof verifyInPython = async (paths, options) => {
  const given = options ?? [];
  const [found, other] = await Promise.all([
    verifyInPython(paths, given),
    verifyInTypeScript(paths, given),
  ]);
  const ids = other.checks.map(({ check }) => check);
  expect(comparable(found.report, ids)).toEqual(comparable(other, ids));
  expect([found.code, found.report.verdict]).toEqual([exitCodeOf(other.verdict), other.verdict]);
  return found;
};

/** Runs the Python verifier on in-memory exports. It writes them to folders, so ignore `file` when you compare. */
export const verifyManyInPython = async (
  exports: readonly ExportTexts[],
): Promise<readonly Report[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-exports-'));
  try {
    const folders = exports.map((texts, at) => {
      const folder = join(directory, String(at));
      mkdirSync(join(folder, 'entries'), { recursive: true });
      for (const [account, entries] of texts.logs) {
        writeFileSync(
          join(folder, 'entries', `${account.replaceAll(':', '_')}.ndjson`),
          entries.map((entry) => `${entryText(entry)}\n`).join(''),
        );
      }
      const files = {
        'manifest.json': JSON.stringify({ v: 1, accounts: texts.listed }),
        'log-key': texts.key,
        older: texts.older ?? '',
        'receipts.txt': texts.receipts ?? '',
        'jwks.json': texts.jwks,
      };
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      for (const { year, leaves, checkpoint } of yearsOf(texts)) {
        mkdirSync(join(folder, 'log', year), { recursive: true });
        writeFileSync(join(folder, 'log', year, 'leaves.ndjson'), leafLines(leaves));
        writeFileSync(join(folder, 'log', year, 'checkpoint'), checkpoint);
      }
      return folder;
    });
    const found: Report[] = [];
    for (const folder of folders) {
      const [receipts, older] = [join(folder, 'receipts.txt'), join(folder, 'older')];
      // Pin the key, as if the reader had it from another source.
      const pinned = join(directory, `pinned-${found.length}`);
      cpSync(join(folder, 'log-key'), pinned);
      const options = [
        ...['--workers', '1', '--receipts', receipts, '--checkpoint', older],
        ...['--log-key', pinned],
      ];
      found.push((await verifyInPython([folder], options)).report);
    }
    return found;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

/** The part of a report on which two verifiers must agree, without file names. */
export const withoutFiles = (report: Report, ids: readonly string[]): unknown =>
  JSON.parse(
    JSON.stringify(comparable(report, ids), (key, value: unknown) =>
      key === 'file' ? undefined : value,
    ),
  );

export const findingOf = ({ checks }: Report, id: string): Finding => {
  const found = checks.find(({ check }) => check === id);
  if (found === undefined) throw new Error(`the report has no check ${id}`);
  return found;
};

/** The checks that found an error, each with the reason of the first one. */
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
  /** Writes entries unchanged. */
  readonly put: (log: string, entries: readonly Entry[]) => void;
};

/** Finds the first entry of a type: its log, and its index there. */
export const placeIn = (
  copy: Copy,
  type: string,
): { readonly log: string; readonly at: number } => {
  for (const log of copy.logs()) {
    const at = copy.entries(log).findIndex((entry) => entry.type === type);
    if (at >= 0) return { log, at };
  }
  throw new Error(`no log has ${type}`);
};

/** Changes the first entry of a type. */
export const editIn = (
  copy: Copy,
  type: string,
  change: (entry: Entry) => Entry,
  then: (entries: readonly Entry[]) => readonly Entry[] = (entries) => entries,
): string => {
  const { log, at } = placeIn(copy, type);
  copy.put(log, then(copy.entries(log).with(at, change(copy.entries(log)[at] as Entry))));
  return log;
};

/** Returns a function that copies the committed export. The copies are removed after the tests of the file. */
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

/** Renumbers the entries and rebuilds their links, as an operator that rewrites a chain would. */
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
