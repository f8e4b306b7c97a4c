import { parseEnv } from 'node:util';
import { readText } from '../lib/atomic-file.ts';
import { SECRETS_FILE } from '../lib/config-files.ts';
import { CliError } from '../lib/errors.ts';
import type { Session } from '../lib/session.ts';
import { printable } from '../lib/text.ts';
import { unifiedDiff } from '../lib/unified-diff.ts';
import type { NamedFile } from './undo.ts';

/** A file that changes, its present text, and the unified diff. */
type Change = {
  readonly name: string;
  readonly path: string;
  readonly before: string | undefined;
  readonly diff: string;
};

/** Shows what a run will change, before it writes. Secrets are never shown, neither new nor present ones (CWE-532). */
export const showChanges = async (
  { out }: Pick<Session, 'out'>,
  files: readonly NamedFile[],
): Promise<readonly Change[]> => {
  const changes: Change[] = [];
  for (const { name, path, text } of files) {
    const before = await readText(path);
    if (before === text) continue;
    const isSecret = name === SECRETS_FILE;
    const diff = isSecret ? namesOnly(before, text) : unifiedDiff(name, before, text);
    changes.push({ name, path, before, diff });
    out.note(
      diff
        .split('\n')
        .map((line) => coloured(out.noteStyle, printable(line)))
        .join('\n'),
    );
  }
  return changes;
};

/** Race: an editor may save a file while the command asks. @throws CliError if a file differs from the one that was shown */
export const rejectRaces = async (changes: readonly Change[]): Promise<void> => {
  for (const { name, path, before } of changes)
    if ((await readText(path)) !== before)
      throw new CliError(`${name} changed while the command asked. It wrote nothing.`, {
        hint: 'Run the command again.',
        code: 'changed_meanwhile',
      });
};

const namesOnly = (before: string | undefined, after: string): string => {
  const [old, fresh] = [parseEnv(before ?? ''), parseEnv(after)];
  const lines = Object.keys(fresh)
    .filter((name) => old[name] !== fresh[name])
    .map((name) => `+${name}='…'`);
  const from = before === undefined ? '/dev/null' : `a/${SECRETS_FILE}`;
  return [`--- ${from}`, `+++ b/${SECRETS_FILE}`, ...lines].join('\n');
};

const coloured = (style: Session['out']['noteStyle'], line: string): string => {
  if (/^(?:---|\+\+\+)/.test(line)) return style.bold(line);
  if (line.startsWith('+')) return style.good(line);
  if (line.startsWith('-')) return style.bad(line);
  return line.startsWith('@@') ? style.accent(line) : line;
};
