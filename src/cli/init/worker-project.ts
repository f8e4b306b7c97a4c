import { access, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type ConfigFiles, readConfigFiles } from '../lib/config-files.ts';
import { CliError } from '../lib/errors.ts';
import { resourceName, withResourceNames } from '../lib/resource-names.ts';
import {
  parseConfigText,
  type Table,
  textAt,
  type WranglerConfig,
} from '../lib/wrangler-config.ts';
import { hasGateway } from './mount-edits.ts';

/** The directory of a Worker. */
export type WorkerProject = {
  readonly directory: string;
  readonly files: ConfigFiles;
  readonly config: WranglerConfig;
  /** Whether the Worker has the gateway already, perhaps of an earlier release. */
  readonly isGateway: boolean;
  /** The configuration of a new project, with resources named after this Worker. */
  readonly template: Table;
  /** Version of this release. */
  readonly version: string;
};

/** @throws CliError without the configuration of a Worker */
export const openWorkerProject = async (directory: string): Promise<WorkerProject> => {
  const files = await readConfigFiles(directory);
  if (files === undefined)
    throw new CliError(
      'This directory has no configuration of a Worker (wrangler.toml, wrangler.json or wrangler.jsonc).',
      {
        hint: 'Run the command in the directory of a Worker. `npm create countersign` makes a new project.',
        code: 'no_worker',
      },
    );
  if (!files.ok)
    throw new CliError(`${files.error}.`, { hint: 'Correct the file and run the command again.' });
  const { file, toml: text } = files.value;
  const table = parseConfigText(file, text);
  if (!table.ok)
    throw new CliError(`${table.error}.`, {
      hint: 'Correct the file, then run the command again. It wrote nothing.',
    });
  const isGateway = hasGateway(table.value);
  if (!isGateway && files.value.secretsText === '' && (await exists(join(directory, '.env'))))
    throw new CliError(
      'The Worker reads its secrets from .env, which wrangler ignores next to a .dev.vars.',
      {
        hint: 'Copy it first: `cp .env .dev.vars`. The command wrote nothing.',
        code: 'env_file',
      },
    );
  const name = textAt(table.value, 'name') ?? 'worker';
  return {
    directory,
    files: files.value,
    config: { file, text, table: table.value },
    isGateway,
    ...(await releaseOf(resourceName(name), await packageOf(directory))),
  };
};

/** Next to the bundled command; `npm run build` writes both files. */
const releaseOf = async (
  name: string,
  installed: string,
): Promise<Pick<WorkerProject, 'template' | 'version'>> => {
  const folder = join(import.meta.dirname, 'project');
  const text = (await readFile(join(folder, 'wrangler.toml'), 'utf8')).replaceAll(
    'node_modules/countersign',
    installed,
  );
  const template = parseConfigText('wrangler.toml', withResourceNames(text, name));
  if (!template.ok) throw new Error(template.error);
  const { version } = JSON.parse(await readFile(join(folder, 'release.json'), 'utf8')) as {
    readonly version: string;
  };
  return { template: template.value, version };
};

/** The directory of the package: in a workspace, `node_modules` may be further up. */
const packageOf = async (directory: string): Promise<string> => {
  for (let at = directory, up = 0; up < 8; at = join(at, '..'), up += 1) {
    const installed = join(at, 'node_modules/countersign');
    if (await exists(installed)) return relative(directory, installed).replaceAll('\\', '/');
  }
  return 'node_modules/countersign';
};

const exists = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    () => false,
  );

const LOCKS = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
] as const;

/** The package manager of a project, by its lock file. */
export const packageManagerOf = async (directory: string): Promise<string> => {
  for (const [lock, name] of LOCKS) if (await exists(join(directory, lock))) return name;
  return 'npm';
};
