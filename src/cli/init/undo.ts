import { rmSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { type FileToWrite, readText, writeFiles } from '../lib/atomic-file.ts';
import { SECRETS_FILE } from '../lib/config-files.ts';
import { CliError } from '../lib/errors.ts';
import { unifiedDiff } from '../lib/unified-diff.ts';
import { sha256 } from './files.ts';

/** What a run of `init` must know to be undone, with its own `.gitignore`: files before the run may hold secrets. */
const FOLDER = '.countersign';
const RECORD = join(FOLDER, 'init.json');

const fileSchema = z.strictObject({
  /** Relative to the directory. */
  name: z.string(),
  /** The text before the run; null if there was no file. */
  before: z.nullable(z.string()),
  mode: z.nullable(z.number()),
  /** SHA-256 of the text that the run wrote. */
  after: z.string(),
});
const recordSchema = z.strictObject({
  version: z.literal(1),
  /** Oldest first: each undo takes the last one. */
  runs: z.array(z.array(fileSchema)),
});

type ChangedFile = z.infer<typeof fileSchema>;
type Runs = readonly (readonly ChangedFile[])[];

/** A file that a run writes, by its name in the directory. */
export type NamedFile = FileToWrite & { readonly name: string };

/** The files to write with those of a run, so that the run can be undone. */
export const undoFiles = async (
  directory: string,
  files: readonly NamedFile[],
): Promise<readonly FileToWrite[]> => {
  const run = await Promise.all(
    files.map(async ({ name, path, text }): Promise<ChangedFile> => {
      const mode = await stat(path).then(
        (found) => found.mode & 0o777,
        () => null,
      );
      const before = mode === null ? null : await readFile(path, 'utf8');
      return { name, before, mode, after: sha256(text) };
    }),
  );
  return recordFiles(directory, [...(await runsIn(directory)), run]);
};

const recordFiles = (directory: string, runs: Runs): readonly FileToWrite[] => [
  { path: join(directory, FOLDER, '.gitignore'), text: '*\n' },
  { path: join(directory, RECORD), text: `${JSON.stringify({ version: 1, runs })}\n`, mode: 0o600 },
];

const runsIn = async (directory: string): Promise<Runs> => {
  const text = await readText(join(directory, RECORD));
  if (text === undefined) return [];
  try {
    return recordSchema.parse(JSON.parse(text)).runs;
  } catch (cause) {
    throw new CliError(`${RECORD} is not readable.`, {
      hint: 'Remove the file if no run of `countersign init` needs to be undone.',
      code: 'record_unreadable',
      cause,
    });
  }
};

export type Undone = {
  readonly restored: readonly string[];
  readonly removed: readonly string[];
  /** Where keys went that the run had made. */
  readonly keys: string | undefined;
};

type UndoOptions = {
  /** `discard`: files that were edited after the run lose these edits. */
  readonly edits: 'refuse' | 'discard';
  readonly signal: AbortSignal | undefined;
  readonly note: (text: string) => void;
};

/**
 * Restores exactly the bytes before the last run. Keys of the run move into a file: the address of a relayer may hold ether.
 *
 * A second call continues an undo that was interrupted: a file that is restored already stays as it is.
 *
 * @throws CliError without a run, or if a file was edited since
 */
export const undoLastRun = async (
  directory: string,
  { edits, signal, note }: UndoOptions,
): Promise<Undone> => {
  const runs = await runsIn(directory);
  const run = runs.at(-1);
  if (run === undefined)
    throw new CliError('No run of `countersign init` is recorded here.', {
      hint: 'Run the command in the directory where `countersign init` wrote the files.',
      code: 'nothing_to_undo',
    });
  const files = await Promise.all(
    run.map(async (file) => ({ ...file, now: await readText(join(directory, file.name)) })),
  );
  const pending = files.filter(({ now, before }) => now !== (before ?? undefined));
  const edited = pending.filter(({ now, after }) => now === undefined || sha256(now) !== after);
  if (edited.length > 0 && edits === 'refuse') {
    for (const { name, now, before } of edited)
      if (name !== SECRETS_FILE) note(unifiedDiff(name, now, before ?? undefined));
    throw new CliError(
      `Edited since \`countersign init\`: ${edited.map(({ name }) => name).join(', ')}.`,
      {
        hint: 'Take back your edits and run the command again, or add --force: it makes the changes above, which drop your edits. The command changed nothing.',
        code: 'edited_since',
      },
    );
  }
  const path = join(FOLDER, 'removed.dev.vars');
  const secrets = pending.find(({ name, now }) => name === SECRETS_FILE && now !== undefined)?.now;
  const restored = pending.filter(({ before }) => before !== null);
  const removed = pending.filter(({ before }) => before === null);
  await writeFiles(
    [
      ...restored.map(({ name, before, mode }): FileToWrite => {
        const text = before ?? '';
        return { path: join(directory, name), text, ...(mode === null ? {} : { mode }) };
      }),
      ...(secrets === undefined
        ? []
        : [{ path: join(directory, path), text: secrets, mode: 0o600 }]),
    ],
    signal,
  );
  // Synchronous: Ctrl-C must not end the process between the restored files and these.
  for (const { name } of removed) rmSync(join(directory, name), { force: true });
  await writeFiles(recordFiles(directory, runs.slice(0, -1)), undefined);
  if (runs.length === 1) {
    const hasKeys = (await readText(join(directory, path))) !== undefined;
    rmSync(join(directory, hasKeys ? RECORD : FOLDER), { recursive: true, force: true });
  }
  return {
    restored: restored.map(({ name }) => name),
    removed: removed.map(({ name }) => name),
    keys: secrets === undefined ? undefined : path,
  };
};
