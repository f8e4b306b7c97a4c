import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse, patch } from '@decimalturn/toml-patch';
import * as z from 'zod/mini';
import type { Config } from '../../config/config.ts';
import { readQueueName } from '../../settlement/queue-name.ts';
import { type Jurisdiction, parseJurisdiction } from '../../protocol/jurisdiction.ts';
import { withPassedOn } from '../lib/environment-names.ts';
import { type Table, tablesAt, withValue } from '../lib/wrangler-config.ts';
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
  /** `jurisdiction` of the binding of the bucket: without it, the Worker looks for a bucket of the same name elsewhere. */
  readonly bucketJurisdiction: string | undefined;
  /** Where its parts must be. */
  readonly jurisdiction: Jurisdiction | 'none';
  /** The environment of wrangler; undefined for the top level. */
  readonly environment: string | undefined;
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
  'SCREENING_KEY',
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
const bucketSchema = z.looseObject({
  binding: z.string(),
  bucket_name: z.optional(z.string()),
  jurisdiction: z.optional(z.string()),
});
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
export const readProject = async (directory: string, environment?: string): Promise<Project> => {
  const read = await readConfigFiles(directory, environment);
  if (read === undefined) throw notGateway(`This directory has no ${CONFIG_FILE}.`);
  if (!read.ok)
    throw new CliError(`${read.error}.`, { hint: 'Correct the file and run the command again.' });
  const whole = parse(read.value.toml) as Table;
  const parsed = tomlSchema.safeParse(withPassedOn(whole, environment));
  const database = parsed.data?.d1_databases.find(({ binding }) => binding === DATABASE);
  if (!parsed.success || database?.database_name === undefined)
    throw notGateway(
      `The ${environment === undefined ? CONFIG_FILE : `[env.${environment}] of ${CONFIG_FILE}`} here lacks what a gateway needs: name, the D1 database ${DATABASE} with a database_name, queues.`,
    );
  const { name, queues, r2_buckets: bound = [], route, routes = [] } = parsed.data;
  const files = deployed(read.value);
  const archive = bound.find(({ binding }) => binding === ARCHIVE);
  const id = database.database_id ?? '';
  return {
    directory,
    files,
    jurisdiction: parseJurisdiction(files.variables['JURISDICTION']?.trim() ?? '') ?? 'none',
    environment,
    name,
    database: { name: database.database_name, id: UUID.test(id) ? id : undefined },
    queues: [...new Set([...queues.producers, ...queues.consumers].map(({ queue = '' }) => queue))]
      // An application that mounts the gateway makes its own queues itself.
      .filter((queue) => readQueueName(queue) !== undefined),
    buckets: archive?.bucket_name === undefined ? [] : [archive.bucket_name],
    bucketJurisdiction: archive?.jurisdiction,
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
        'SCREENING_KEY',
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
  const table = parse(files.toml) as Table;
  const path = files.environment === undefined ? [] : ['env', files.environment];
  const next = tablesAt(table, ...path, 'd1_databases').map((each) =>
    each['binding'] === DATABASE ? { ...each, database_id: id } : each,
  );
  const text = patch(files.toml, withValue(table, [...path, 'd1_databases'], next));
  await writeFiles([{ path: join(directory, config), text }], signal);
};
