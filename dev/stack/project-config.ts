import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { isObject } from '../../src/core/json-object.ts';
import { readWranglerConfig, type Table } from '../../src/cli/lib/wrangler-config.ts';
import { GATEWAY_CRONS } from './cron.ts';

/** What the stack changes in the configuration of a project. */
export type ProjectChanges = {
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** Modules that wrangler bundles instead of others, by their names in imports. In the file, as `wrangler dev` ignores `--alias`. */
  readonly alias: Readonly<Record<string, string>>;
};

const tableIn = (value: unknown): Table => (isObject(value) ? value : {});

/** Makes the paths of a configuration absolute: wrangler resolves them against the directory of the file. */
const withAbsolutePaths = (config: Table, project: string): Table => {
  const absolute = (table: Table, names: readonly string[]): Table =>
    Object.fromEntries(
      Object.entries(table).map(([name, value]) => [
        name,
        names.includes(name) ? absoluteIn(value, project) : value,
      ]),
    );
  const { assets, build, site, d1_databases: databases } = config;
  return {
    ...absolute(config, ['main', 'tsconfig', 'base_dir']),
    ...(isObject(assets) ? { assets: absolute(assets, ['directory']) } : {}),
    ...(isObject(build) ? { build: { cwd: project, ...absolute(build, ['cwd']) } } : {}),
    ...(isObject(site) ? { site: absolute(site, ['bucket']) } : {}),
    ...(Array.isArray(databases)
      ? { d1_databases: databases.map((each) => absolute(tableIn(each), ['migrations_dir'])) }
      : {}),
  };
};

/**
 * The project's own build, which wrangler also runs when a module of the stack changes. With a build command, wrangler watches nothing but
 * `watch_dir`, so without these directories it would never serve a change of the aliased modules. The paths are relative to the directory
 * of the configuration, because wrangler joins even an absolute path to it.
 */
const withWatched = (
  config: Table,
  project: string,
  directory: string,
  alias: ProjectChanges['alias'],
): Table => {
  const { build } = config;
  if (!isObject(build) || typeof build['command'] !== 'string') return config;
  const watched = [
    absoluteIn(build['watch_dir'] ?? 'src', project),
    Object.values(alias).map(dirname),
  ];
  const paths = watched.flat().filter((path) => typeof path === 'string');
  return {
    ...config,
    build: { ...build, watch_dir: paths.map((path) => relative(directory, path)) },
  };
};

const absoluteIn = (value: unknown, project: string): unknown => {
  if (Array.isArray(value)) return value.map((each) => absoluteIn(each, project));
  return typeof value === 'string' ? resolve(project, value) : value;
};

const quoted = ([name, value]: readonly [string, string]): string => {
  const quote = ["'", '"', '`'].find((each) => !value.includes(each));
  if (quote === undefined) throw new Error(`${name} in .dev.vars has quotes of every kind`);
  return `${name}=${quote}${value}${quote}`;
};

/**
 * Writes the configuration of a project for this machine into another directory: `wrangler.json`, and `.dev.vars` with the secrets of the
 * project and those of the stack. The files of the project stay as they are.
 *
 * @returns the path of `wrangler.json`, and the cron expression of the gateway
 */
export const writeProjectConfig = async (
  project: string,
  directory: string,
  { variables, secrets, alias }: ProjectChanges,
): Promise<{ readonly config: string; readonly cron: string | undefined }> => {
  const read = await readWranglerConfig(project);
  if (read?.ok !== true)
    throw new Error(read?.error ?? 'the project has no configuration of wrangler');
  const config = read.value.table;
  const required = tableIn(config['secrets'])['required'];
  const listed: readonly unknown[] = Array.isArray(required) ? required : [];
  const local = {
    ...withWatched(withAbsolutePaths(config, project), project, directory, alias),
    vars: { ...tableIn(config['vars']), ...variables },
    alias: { ...tableIn(config['alias']), ...alias },
    // wrangler gives the Worker only those secrets of .dev.vars that this list names.
    ...(isObject(config['secrets'])
      ? { secrets: { required: [...new Set([...listed, ...Object.keys(secrets)])] } }
      : {}),
  };
  const path = join(directory, 'wrangler.json');
  await writeFile(path, `${JSON.stringify(local, undefined, 2)}\n`);
  const own = parseEnv(await readFile(join(project, '.dev.vars'), 'utf8').catch(() => ''));
  const kept = Object.entries(own).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && !Object.hasOwn(variables, pair[0]),
  );
  const all = Object.entries({ ...Object.fromEntries(kept), ...secrets });
  const text = all.map((pair) => `${quoted(pair)}\n`).join('');
  await writeFile(join(directory, '.dev.vars'), text, { mode: 0o600 });
  const crons = tableIn(config['triggers'])['crons'];
  // A Worker that already uses the first expression runs the gateway under the second.
  const cron = GATEWAY_CRONS.findLast((each) => Array.isArray(crons) && crons.includes(each));
  return { config: path, cron };
};
