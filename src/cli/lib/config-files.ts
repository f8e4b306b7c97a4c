import { TOOLS_DEPTH } from '../../catalog/input-schema.ts';
import { readMeter } from '../../catalog/metered-price.ts';
import type { Tool } from '../../catalog/tool.ts';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import {
  type Config,
  type ConfigFault,
  type Environment,
  parseConfig,
} from '../../config/config.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { keyFaults } from '../../config/key-faults.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { readText } from './atomic-file.ts';
import {
  isTable,
  readWranglerConfig,
  type Table,
  valueAt,
  type WranglerConfig,
} from './wrangler-config.ts';
import { needsVaultKey } from './vault-key.ts';

export const CONFIG_FILE = 'wrangler.toml';
export const TOOLS_FILE = 'tools.json';
export const SECRETS_FILE = '.dev.vars';

/** The configuration files of a gateway's directory. */
export type ConfigFiles = {
  /** Text of wrangler.toml, or of the file named by `file`. */
  readonly toml: string;
  readonly file: WranglerConfig['file'];
  /** The environment of wrangler, e.g. `staging`; undefined for the top level. */
  readonly environment: string | undefined;
  /** The table of the environment: wrangler inherits neither variables nor bindings of the top level. */
  readonly table: Table;
  /** `vars` of the environment. */
  readonly variables: Readonly<Record<string, string>>;
  /** .dev.vars, or .dev.vars.<environment>: secrets of the local Worker; overrides `[vars]`. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Text of .dev.vars; empty if the file is missing. */
  readonly secretsText: string;
  /** Text of tools.json; undefined if the file is missing. */
  readonly tools: string | undefined;
};

/** The file with the secrets of an environment. wrangler reads it in place of `.dev.vars`. */
export const secretsFileOf = (environment: string | undefined): string =>
  environment === undefined ? SECRETS_FILE : `${SECRETS_FILE}.${environment}`;

/** Names of the environments that a configuration has besides the top level. */
export const environmentsOf = (table: Table): readonly string[] =>
  isTable(table['env']) ? Object.keys(table['env']) : [];

/** Undefined without a configuration of wrangler; the text of the error if it cannot be parsed or lacks the environment. */
export const readConfigFiles = async (
  directory: string,
  environment?: string,
): Promise<Result<ConfigFiles, string> | undefined> => {
  const config = await readWranglerConfig(directory);
  if (config?.ok !== true) return config;
  const { file, text, table: whole } = config.value;
  const table = environment === undefined ? whole : valueAt(whole, ['env', environment]);
  if (!isTable(table))
    return err(
      `${file} has no [env.${environment ?? ''}]: it has ${environmentsOf(whole).join(', ') || 'no environments'}`,
    );
  const secretsText = (await readText(join(directory, secretsFileOf(environment)))) ?? '';
  return ok({
    toml: text,
    file,
    environment,
    table,
    variables: stringsOf(table['vars']),
    secrets: stringsOf(parseEnv(secretsText)),
    secretsText,
    tools: await readText(join(directory, TOOLS_FILE)),
  });
};

const stringsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(typeof value === 'object' && value !== null ? value : {}).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    ),
  );

/** Whether the variables still have the empty values of a checkout. */
export const isBlank = ({ variables }: ConfigFiles): boolean =>
  ['AUDIENCES', 'PAY_TO', 'RPC_URLS', 'FACILITATORS', 'UPSTREAM_URL'].every(
    (name) => (variables[name] ?? '').trim() === '',
  );

export type ReadConfig = {
  readonly config: Config | undefined;
  readonly faults: readonly ConfigFault[];
  /** RECEIPT_KEY is not in .dev.vars: it is a secret of the deployed Worker, or missing. */
  readonly withoutKey: boolean;
  /** Other secrets that the configuration needs and .dev.vars lacks. */
  readonly missing: readonly ('RELAYER_KEY' | 'CDP_API_KEY_SECRET' | 'VAULT_KEY')[];
};

/** Placeholders that let the parser read the rest of a configuration whose secrets are deployed elsewhere. They sign nothing. */
const PLACEHOLDER_RELAYER_KEY = `0x${'11'.repeat(32)}`;
const PLACEHOLDER_CDP_SECRET = 'none';
const PLACEHOLDER_RECEIPT_KEY = JSON.stringify({
  kty: 'OKP',
  crv: 'Ed25519',
  x: 'A'.repeat(43),
  d: 'A'.repeat(43),
});

/** The faults that the gateway finds when it reads the meters of its tools. */
const meterFaults = (tools: readonly Tool[]): readonly ConfigFault[] =>
  tools.flatMap((tool, at) => {
    const read = readMeter(tool);
    return read.ok
      ? []
      : read.error.map(({ field, reason }) => ({
          name: TOOLS_FILE,
          reason: `tools[${at}].${field} ${reason}`,
        }));
  });

/** Parses the configuration with the gateway's own parser. */
export const configOf = ({ variables, secrets, tools, toml }: ConfigFiles): ReadConfig => {
  const environment: Environment & Parameters<typeof keyFaults>[1] = { ...variables, ...secrets };
  const isSet = (name: keyof Environment): boolean => (environment[name] ?? '').trim() !== '';
  const withoutKey = (environment.RECEIPT_KEY ?? '') === '';
  const json = parseStrictJson(tools ?? '', TOOLS_DEPTH);
  const parsed = parseConfig(
    {
      ...environment,
      ...(withoutKey ? { RECEIPT_KEY: PLACEHOLDER_RECEIPT_KEY } : {}),
      ...(isSet('RELAYER_KEY') ? {} : { RELAYER_KEY: PLACEHOLDER_RELAYER_KEY }),
      ...(isSet('CDP_API_KEY_ID') && !isSet('CDP_API_KEY_SECRET')
        ? { CDP_API_KEY_SECRET: PLACEHOLDER_CDP_SECRET }
        : {}),
    },
    json.ok ? json.value : undefined,
  );
  const unread = parsed.ok ? meterFaults(parsed.value.tools) : [];
  const keys = parsed.ok ? keyFaults(parsed.value, environment) : [];
  if (parsed.ok && unread.length + keys.length === 0) {
    const { relayers, facilitators } = parsed.value;
    const needsKey = [...relayers.values()].some(({ signer }) => signer === undefined);
    const needsSecret = facilitators.some(({ auth }) => auth === 'cdp');
    const missing: ReadConfig['missing'] = [
      ...(needsKey && !isSet('RELAYER_KEY') ? (['RELAYER_KEY'] as const) : []),
      ...(needsSecret && !isSet('CDP_API_KEY_SECRET') ? (['CDP_API_KEY_SECRET'] as const) : []),
      ...(needsVaultKey(tools, toml) && (secrets['VAULT_KEY'] ?? '') === ''
        ? (['VAULT_KEY'] as const)
        : []),
    ];
    return { config: parsed.value, faults: [], withoutKey, missing };
  }
  const unreadTools: readonly ConfigFault[] = json.ok
    ? []
    : [
        {
          name: TOOLS_FILE,
          reason: tools === undefined ? 'is missing' : 'is not JSON, or has a key twice',
        },
      ];
  return {
    config: undefined,
    faults: [
      ...unreadTools,
      ...unread,
      ...keys,
      ...(parsed.ok ? [] : parsed.error).filter(
        ({ name }) => unreadTools.length === 0 || name !== TOOLS_FILE,
      ),
    ],
    withoutKey,
    missing: [],
  };
};
