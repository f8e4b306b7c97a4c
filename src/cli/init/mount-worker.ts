import { join } from 'node:path';
import { readText } from '../lib/atomic-file.ts';
import { CliError } from '../lib/errors.ts';
import { setInJsonc } from '../lib/jsonc.ts';
import { type Table, tablesAt, textAt, valueAt } from '../lib/wrangler-config.ts';
import { type ConfigEdit, editConfig } from './config-edit.ts';
import { draftEntry, isMounted, mountFault, withAllExports } from './entry.ts';
import { cronOf, mountEdits } from './mount-edits.ts';
import { mountFaults } from './mount-faults.ts';
import type { NamedFile } from './undo.ts';
import { exists, ignoringSecrets, type WorkerProject } from './worker-project.ts';

/** What mounts the gateway in a Worker, or upgrades the gateway of an earlier release. */
export type Mount = {
  readonly edits: readonly ConfigEdit[];
  /** The entry, `package.json` and `.gitignore`, as far as they change. */
  readonly files: readonly NamedFile[];
};

/**
 * @param countersign version of the package, or another spec of npm
 * @throws CliError if the Worker has a form that this code does not know; prints the lines to add by hand before
 */
export const draftMount = async (
  project: WorkerProject,
  countersign: string,
  note: (text: string) => void,
): Promise<Mount> => {
  const { directory, config, template, isGateway } = project;
  const edits = mountEdits(config.table, template);
  const main = textAt(config.table, 'main');
  const source = main === undefined ? undefined : await readText(join(directory, main));
  const file = (name: string, text: string): NamedFile => ({
    name,
    path: join(directory, name),
    text,
  });
  if (isGateway || (source !== undefined && isMounted(source))) {
    const text = withAllExports(source ?? '');
    const changed = source === undefined || text === source ? [] : [file(main ?? '', text)];
    return { edits, files: changed };
  }
  const refuse = (faults: readonly string[]): never => {
    note(byHand(config.file, edits));
    throw new CliError(`The command cannot mount the gateway here: ${faults.join('; ')}.`, {
      hint: 'Change that and run the command again, or add the lines above by hand. The command wrote nothing.',
      code: 'not_mountable',
    });
  };
  const faults = mountFaults(config.table, template);
  if (faults.length > 0 || main === undefined) return refuse(faults);
  if (source === undefined) return refuse([`${main} does not exist: build the Worker first`]);
  const fault = mountFault(source);
  if (fault !== undefined) return refuse([`${main} has another form: ${fault}`]);
  const taken = new Set<string>();
  for (const name of ['gateway', 'countersign'])
    for (const extension of ['ts', 'mts', 'js', 'mjs'])
      for (const folder of ['', 'src/', `${main.replace(/[^/]*$/, '')}`])
        if (await exists(join(directory, `${folder}${name}.${extension}`)))
          taken.add(`${folder.replace(/^\.\//, '')}${name}.${extension}`);
  const entry = draftEntry(main, classesOf(config.table), cronOf(config.table), (path) =>
    taken.has(path),
  );
  if (!entry.ok) return refuse([`${main}: ${entry.error}`]);
  const manifest = await manifestOf(directory, countersign);
  const ignored = await ignoringSecrets(directory);
  return {
    edits: [{ kind: 'set', path: ['main'], value: entry.value.path }, ...edits],
    files: [
      file(entry.value.path, entry.value.text),
      ...(manifest === undefined ? [] : [file('package.json', manifest)]),
      ...(ignored === undefined ? [] : [file('.gitignore', ignored)]),
    ],
  };
};

/** The classes that the configuration binds in this Worker. */
const classesOf = (table: Table): readonly string[] => [
  ...new Set(
    [...tablesAt(table, 'durable_objects', 'bindings'), ...tablesAt(table, 'workflows')].flatMap(
      (each) => (each['script_name'] === undefined ? (textAt(each, 'class_name') ?? []) : []),
    ),
  ),
];

/** `package.json` with the package; undefined if it depends on it. */
const manifestOf = async (directory: string, spec: string): Promise<string | undefined> => {
  const text = await readText(join(directory, 'package.json'));
  if (text === undefined)
    throw new CliError('The Worker has no package.json.', {
      hint: 'Run `npm init -y` and the command again. The command wrote nothing.',
      code: 'no_manifest',
    });
  try {
    const manifest = JSON.parse(text) as Table;
    const isThere = ['dependencies', 'devDependencies'].some(
      (group) => valueAt(manifest, [group, 'countersign']) !== undefined,
    );
    return isThere ? undefined : setInJsonc(text, ['dependencies', 'countersign'], spec);
  } catch {
    throw new CliError('package.json is not JSON.', {
      hint: 'Correct the file and run the command again. The command wrote nothing.',
      code: 'bad_manifest',
    });
  }
};

const ENTRY = `import tools from '../tools.json';
import { countersign } from 'countersign/worker';

export { AgentAccount, AuditLog, Relayer, SettlementRequests } from 'countersign/worker';
export default countersign({ tools, next: … });   // your handler: an object with fetch`;

const byHand = (file: WorkerProject['config']['file'], edits: readonly ConfigEdit[]): string => {
  const text = file === 'wrangler.toml' ? '' : '{\n  // …\n}\n';
  const config = editConfig({ file, text, table: {} }, edits);
  return `In the main module:\n\n${ENTRY}\n\nIn ${file}:\n\n${config?.text.trim() ?? ''}\n`;
};
