import { join } from 'node:path';
import { randomPrivateKey } from 'ox/Secp256k1';
import { checksummed } from '../../crypto/address.ts';
import { ownKeys } from '../../config/key-faults.ts';
import { addressOfPrivateKey } from '../../settlement/relayer/transaction.ts';
import { type Answers, defaultFacilitator, LOCAL_AUDIENCE } from '../init/answers.ts';
import { draftFiles } from '../init/files.ts';
import { testNetwork } from '../init/network-choice.ts';
import type { FileToWrite } from '../lib/atomic-file.ts';
import { type ConfigFiles, configOf, SECRETS_FILE, secretsFileOf } from '../lib/config-files.ts';
import { resourceName, withNamesOf } from '../lib/resource-names.ts';
import { isTable, type Table, textAt, tomlMembers, withValue } from '../lib/wrangler-config.ts';

export const STAGING = 'staging';

/** An environment for tests, drafted beside production. */
export type Staging = {
  /** `[env.staging]`, to be added at the end of wrangler.toml. */
  readonly toml: string;
  readonly secrets: FileToWrite;
  /** FOREIGN_KEYS of production. */
  readonly foreignKeys: string;
};

/** The tables that wrangler does not pass on to an environment. */
const NOT_PASSED_ON = [
  'secrets',
  'durable_objects',
  'analytics_engine_datasets',
  'd1_databases',
  'r2_buckets',
  'queues',
  'ratelimits',
] as const;

/**
 * Drafts `[env.staging]`: a second gateway with the tools of production on a test network, with a name, database, bucket, queues and keys of its own.
 * Each of the two lists the public keys of the other in FOREIGN_KEYS and refuses to start with one of them.
 *
 * @param production the settings that the command writes, and the configuration of wrangler that has them
 */
export const draftStaging = async (
  directory: string,
  production: ConfigFiles,
  answers: Answers,
): Promise<Staging> => {
  const network = answers.network.isTest ? answers.network : testNetwork;
  const isSame = network === answers.network;
  const payeeKey = randomPrivateKey();
  const payTo = addressOfPrivateKey(payeeKey);
  const draft = await draftFiles(
    directory,
    {
      ...production,
      variables: { ...production.variables, RELAYERS: '', FOREIGN_KEYS: '' },
      secrets: production.secrets['JURISDICTION'] === undefined ? {} : { JURISDICTION: '' },
      secretsText: `# Secrets of [env.${STAGING}]. PAY_TO of that environment is ${checksummed(payTo)}, with this key, for test networks only:\n# ${payeeKey}\n${production.secrets['JURISDICTION'] === undefined ? '' : "JURISDICTION=''\n"}`,
    },
    {
      ...answers,
      payTo,
      network,
      rpc: isSame ? answers.rpc : (network.rpc ?? answers.rpc),
      facilitator: isSame ? answers.facilitator : defaultFacilitator(network.network),
      audience: LOCAL_AUDIENCE,
      operators: undefined,
      kept: new Set(['UPSTREAM_URL']),
    },
    true,
  );
  const { variables } = draft.config;
  const secrets = draft.files.find(({ path }) => path.endsWith(SECRETS_FILE));
  const vars = { ...variables, FOREIGN_KEYS: keysOf(production) };
  const name = textAt(production.table, 'name') ?? '';
  const own = resourceName(`${name}-${STAGING}`);
  const bindings = Object.fromEntries(
    NOT_PASSED_ON.flatMap((key) => {
      const value = production.table[key];
      return value === undefined ? [] : [[key, value] as const];
    }),
  );
  const tables = withNamesOf(bindings, name, own) as Table;
  return {
    toml: [
      '',
      `# Tests: \`countersign deploy --env ${STAGING}\` deploys a second gateway, which shares no name, key, database or queue with the first. Its secrets`,
      `# are in ${secretsFileOf(STAGING)}. See docs/region.md of countersign.`,
      ...emitted(['env', STAGING], { name: own, routes: [], ...withValue(tables, ['vars'], vars) }),
      '',
    ].join('\n'),
    secrets: {
      path: join(directory, secretsFileOf(STAGING)),
      text: secrets?.text ?? '',
      mode: 0o600,
      over: 'nothing',
    },
    foreignKeys: keysOf(draft.config),
  };
};

const keysOf = (files: ConfigFiles): string => {
  const { config } = configOf(files);
  if (config === undefined) return '';
  return [...new Set(ownKeys(config, files.secrets).map(({ key }) => key))].join(',');
};

/** A table as TOML: its values, then its tables, each below a heading. */
const emitted = (path: readonly string[], table: Table): readonly string[] => {
  const isTables = (value: unknown): value is readonly Table[] =>
    Array.isArray(value) && value.length > 0 && value.every(isTable);
  const all = Object.entries(table);
  const plain = all.filter(([, value]) => !isTable(value) && !isTables(value));
  return [
    ...(plain.length === 0
      ? []
      : [`[${path.join('.')}]`, ...tomlMembers(Object.fromEntries(plain)), '']),
    ...all.flatMap(([key, value]) => {
      const inner = [...path, key];
      if (isTable(value)) return emitted(inner, value);
      return isTables(value)
        ? value.flatMap((each) => [`[[${inner.join('.')}]]`, ...tomlMembers(each), ''])
        : [];
    }),
  ];
};
