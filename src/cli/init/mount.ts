import { join } from 'node:path';
import { type FileToWrite, readText } from '../lib/atomic-file.ts';
import { SECRETS_FILE } from '../lib/config-files.ts';
import { CliError } from '../lib/errors.ts';
import { type Table, tablesAt, textAt } from '../lib/wrangler-config.ts';
import type { ConfigEdit } from './config-edit.ts';
import { draftEntry, isMounted } from './entry.ts';
import { cronOf, mountEdits } from './mount-edits.ts';
import { mountFaults } from './mount-faults.ts';
import type { WorkerProject } from './worker-project.ts';

/** The changes that mount the gateway in a Worker, or that this release needs in a mounted one. */
export type Mount = {
  /** The missing parts of the configuration, for the operator to paste. */
  readonly edits: readonly ConfigEdit[];
  /** The new main module, and `.gitignore` if it lacks the secrets. */
  readonly files: readonly FileToWrite[];
};

/** @throws CliError if the gateway cannot be mounted in this Worker */
export const draftMount = async ({
  directory,
  config,
  template,
  isGateway,
}: WorkerProject): Promise<Mount> => {
  const edits = mountEdits(config.table, template);
  const faults = mountFaults(config.table, template);
  const main = textAt(config.table, 'main');
  if (faults.length > 0) throw notMountable(faults);
  if (isGateway || main === undefined) return { edits, files: [] };
  const source = await readText(join(directory, main));
  if (source === undefined) throw notMountable([`${main} does not exist: build the Worker first`]);
  if (isMounted(source)) return { edits, files: [] };
  const entry = await draftEntry(
    main,
    classesOf(config.table),
    cronOf(config.table),
    async (path) => await readText(join(directory, path)),
  );
  if (!entry.ok) throw notMountable([`${main}: ${entry.error}`]);
  const ignored = await ignoringSecrets(directory);
  return {
    edits: [{ kind: 'set', path: ['main'], value: entry.value.path }, ...edits],
    files: [
      { path: join(directory, entry.value.path), text: entry.value.text },
      ...(ignored === undefined ? [] : [{ path: join(directory, '.gitignore'), text: ignored }]),
    ],
  };
};

const notMountable = (faults: readonly string[]): CliError =>
  new CliError(`The command cannot mount the gateway here: ${faults.join('; ')}.`, {
    hint: 'Change that and run the command again. It wrote nothing.',
    code: 'not_mountable',
  });

/** The classes that the configuration binds in this Worker. */
const classesOf = (table: Table): readonly string[] => [
  ...new Set(
    [...tablesAt(table, 'durable_objects', 'bindings'), ...tablesAt(table, 'workflows')].flatMap(
      (each) => (each['script_name'] === undefined ? (textAt(each, 'class_name') ?? []) : []),
    ),
  ),
];

/** `.gitignore` with a line for the secrets; undefined if it has one. */
const ignoringSecrets = async (directory: string): Promise<string | undefined> => {
  const text = (await readText(join(directory, '.gitignore'))) ?? '';
  if (/^\/?\.dev\.vars\*?\s*$/m.test(text)) return undefined;
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${SECRETS_FILE}\n`;
};
