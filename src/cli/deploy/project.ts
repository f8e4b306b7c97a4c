import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse, patch } from '@decimalturn/toml-patch';
import * as z from 'zod/mini';
import type { Config } from '../../config/config.ts';
import { readQueueName } from '../../settlement/queue-name.ts';
import { needsVaultKey } from '../lib/vault-key.ts';
import { writeFiles } from '../lib/atomic-file.ts';
import { CONFIG_FILE, type ConfigFiles, configOf, readConfigFiles } from '../lib/config-files.ts';
import { CliError } from '../lib/errors.ts';

/** A gateway to deploy, as its wrangler.toml describes it. */
export type Project = {
  readonly directory: string;
  /** The configuration that the deployed Worker will have: from `.dev.vars` it takes only the secrets. */
  readonly files: ConfigFiles;
  /** Name of the Worker. */
  readonly name: string;
  readonly database: { readonly name: string; readonly id: string | undefined };
  readonly queues: readonly string[];
  /** The R2 bucket of the archive, if the project has one. */
  readonly buckets: readonly string[];
  /** Hosts of routes and custom domains. */
  readonly hosts: readonly string[];
  /** A checkout of this repository, which deploys the modules that it builds. */
  readonly isCheckout: boolean;
  /** Its configuration file of wrangler. */
  readonly config: string;
  /** The secrets that its Worker gets. */
  readonly secretsOf: (files: ConfigFiles) => readonly string[];
};

/** The secrets that a gateway may need. */
export const SECRETS = [
  'RECEIPT_KEY',
  'RELAYER_KEY',
  'CDP_API_KEY_SECRET',
  'VAULT_KEY',
  'VAULT_KEY_OLD',
  'CARD_WEBHOOK_SECRET',
  'LOG_KEY',
  'LOG_KEY_NEXT',
] as const;

export type SecretName = (typeof SECRETS)[number];

const DATABASE = 'AUDIT_DB';
const ARCHIVE = 'AUDIT_ARCHIVE';

/** Environment variable with the AUDIENCES that a deployment will write. */
export const NEXT_AUDIENCES = 'COUNTERSIGN_NEXT_AUDIENCES';

const databaseSchema = z.looseObject({
  binding: z.string(),
  database_name: z.optional(z.string()),
  database_id: z.optional(z.string()),
});
const bucketSchema = z.looseObject({ binding: z.string(), bucket_name: z.optional(z.string()) });
const routeSchema = z.union([z.string(), z.looseObject({ pattern: z.string() })]);
const queueSchema = z.looseObject({ queue: z.optional(z.string()) });
const tomlSchema = z.looseObject({
  name: z.string(),
  d1_databases: z.array(databaseSchema),
  r2_buckets: z.optional(z.array(bucketSchema)),
  queues: z.looseObject({ producers: z.array(queueSchema), consumers: z.array(queueSchema) }),
  route: z.optional(routeSchema),
  routes: z.optional(z.array(routeSchema)),
});

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws CliError for a directory without the wrangler.toml of a gateway */
export const readProject = async (directory: string): Promise<Project> => {
  const read = await readConfigFiles(directory);
  if (read === undefined) throw notGateway(`This directory has no ${CONFIG_FILE}.`);
  if (!read.ok)
    throw new CliError(`${read.error}.`, { hint: 'Correct the file and run the command again.' });
  const parsed = tomlSchema.safeParse(parse(read.value.toml));
  const database = parsed.data?.d1_databases.find(({ binding }) => binding === DATABASE);
  if (!parsed.success || database?.database_name === undefined)
    throw notGateway(
      `The ${CONFIG_FILE} here lacks what a gateway needs: name, the D1 database ${DATABASE} with a database_name, queues.`,
    );
  const { name, queues, r2_buckets: bound = [], route, routes = [] } = parsed.data;
  const id = database.database_id ?? '';
  return {
    directory,
    files: deployed(read.value),
    name,
    database: { name: database.database_name, id: UUID.test(id) ? id : undefined },
    queues: [...new Set([...queues.producers, ...queues.consumers].map(({ queue = '' }) => queue))]
      // An application that mounts the gateway makes its own queues itself.
      .filter((queue) => readQueueName(queue) !== undefined),
    buckets: bound.flatMap(({ binding, bucket_name: bucket }) =>
      binding === ARCHIVE && bucket !== undefined ? [bucket] : [],
    ),
    hosts: [...routes, ...(route === undefined ? [] : [route])].map((each) =>
      (typeof each === 'string' ? each : each.pattern).replace(/\/.*$/, '').toLowerCase(),
    ),
    isCheckout: existsSync(join(directory, 'dev/worker.ts')),
    config: CONFIG_FILE,
    secretsOf: (files) => {
      const { config } = configOf(files);
      const optional = [
        'VAULT_KEY',
        'VAULT_KEY_OLD',
        'CARD_WEBHOOK_SECRET',
        'LOG_KEY',
        'LOG_KEY_NEXT',
      ].filter((name) => name in files.secrets);
      if (config === undefined) return [];
      const vault = needsVaultKey(files.tools, files.toml) ? ['VAULT_KEY'] : [];
      return [...new Set([...neededSecrets(config), ...vault, ...optional])];
    },
  };
};

const notGateway = (says: string): CliError =>
  new CliError(says, {
    hint: 'Run the command in a project that `npm create countersign` made, or in a checkout of Countersign.',
    code: 'no_project',
  });

/** `wrangler dev` also reads variables from `.dev.vars` that a deployed Worker never has, e.g. LOCAL_STACK. */
const deployed = (files: ConfigFiles): ConfigFiles => ({
  ...files,
  secrets: Object.fromEntries(
    SECRETS.flatMap((name) => {
      const value = files.secrets[name]?.trim() ?? '';
      return value === '' ? [] : [[name, value] as const];
    }),
  ),
});

/** The secrets without which the gateway would reject its configuration. */
const neededSecrets = ({ relayers, facilitators }: Config): readonly SecretName[] => [
  'RECEIPT_KEY',
  ...([...relayers.values()].some(({ signer }) => signer === undefined)
    ? (['RELAYER_KEY'] as const)
    : []),
  ...(facilitators.some(({ auth }) => auth === 'cdp') ? (['CDP_API_KEY_SECRET'] as const) : []),
];

/** Writes the database's id into wrangler.toml and keeps its comments. */
export const writeDatabaseId = async (
  { directory, files, config }: Project,
  id: string,
  signal: AbortSignal,
): Promise<void> => {
  const table = parse(files.toml) as { readonly d1_databases: readonly object[] };
  const text = patch(files.toml, {
    ...table,
    d1_databases: table.d1_databases.map((each) =>
      'binding' in each && each.binding === DATABASE ? { ...each, database_id: id } : each,
    ),
  });
  await writeFiles([{ path: join(directory, config), text }], signal);
};
