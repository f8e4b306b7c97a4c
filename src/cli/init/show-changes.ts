import { structuredPatch } from 'diff';
import { parseEnv } from 'node:util';
import { type FileToWrite, readText } from '../lib/atomic-file.ts';
import { type ConfigFiles, readConfigFiles, SECRETS_FILE } from '../lib/config-files.ts';
import { CliError } from '../lib/errors.ts';
import type { Session } from '../lib/session.ts';
import { printable } from '../lib/text.ts';

/** A file by its name in the directory. */
export type NamedFile = FileToWrite & { readonly name: string };

/** Shows how files differ from the present ones, before they are written. Secrets are never shown, neither new nor present ones (CWE-532). */
export const showChanges = async (
  { out }: Pick<Session, 'out'>,
  files: readonly NamedFile[],
): Promise<void> => {
  for (const { name, path, text } of files) {
    const before = (await readText(path)) ?? '';
    const lines =
      name === SECRETS_FILE ? newSecrets(before, text) : changedLines(name, before, text);
    out.note(
      [
        out.noteStyle.bold(name),
        ...lines.map((line) => coloured(out.noteStyle, printable(line))),
      ].join('\n'),
    );
  }
};

const changedLines = (name: string, before: string, after: string): readonly string[] =>
  structuredPatch(name, name, before, after, undefined, undefined, { context: 3 }).hunks.flatMap(
    ({ oldStart, newStart, lines }) => [`@@ -${oldStart} +${newStart} @@`, ...lines],
  );

const newSecrets = (before: string, after: string): readonly string[] => {
  const [old, fresh] = [parseEnv(before), parseEnv(after)];
  return Object.keys(fresh)
    .filter((name) => old[name] !== fresh[name])
    .map((name) => `+${name}='…'`);
};

const coloured = (style: Session['out']['noteStyle'], line: string): string => {
  if (line.startsWith('+')) return style.good(line);
  if (line.startsWith('-')) return style.bad(line);
  return line.startsWith('@@') ? style.accent(line) : line;
};

/** Race: an editor may save a file while the command asks. @throws CliError if a file differs from the one that the command read */
export const rejectRaces = async (directory: string, read: ConfigFiles): Promise<void> => {
  const now = await readConfigFiles(directory);
  const changed = (
    [
      ['file', 'toml'],
      ['tools.json', 'tools'],
      [SECRETS_FILE, 'secretsText'],
    ] as const
  )
    .filter(([, member]) => now?.ok !== true || now.value[member] !== read[member])
    .map(([name]) => (name === 'file' ? read.file : name));
  if (changed.length === 0) return;
  throw new CliError(`${changed.join(', ')} changed while the command asked. It wrote nothing.`, {
    hint: 'Run the command again.',
    code: 'changed_meanwhile',
  });
};
