import { TOOLS_DEPTH } from '../../catalog/input-schema.ts';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import {
  type Config,
  type ConfigFault,
  type Environment,
  parseConfig,
} from '../../config/config.ts';
import { ok, type Result } from '../../core/result.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { readText } from './atomic-file.ts';
import { readWranglerConfig, type WranglerConfig } from './wrangler-config.ts';
import { needsVaultKey } from './vault-key.ts';

export const CONFIG_FILE = 'wrangler.toml';
export const TOOLS_FILE = 'tools.json';
export const SECRETS_FILE = '.dev.vars';

/** The configuration files of a gateway's directory. */
export type ConfigFiles = {
  /** Text of wrangler.toml, or of the file named by `file`. */
  readonly toml: string;
  readonly file: WranglerConfig['file'];
  /** `vars` of that file. */
  readonly variables: Readonly<Record<string, string>>;
  /** .dev.vars: secrets of the local Worker; overrides `[vars]`. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Text of .dev.vars; empty if the file is missing. */
  readonly secretsText: string;
  /** Text of tools.json; undefined if the file is missing. */
  readonly tools: string | undefined;
};

/** Undefined without a configuration of wrangler; the text of the error if it cannot be parsed. */
export const readConfigFiles = async (
  directory: string,
): Promise<Result<ConfigFiles, string> | undefined> => {
  const config = await readWranglerConfig(directory);
  if (config?.ok !== true) return config;
  const { file, text, table } = config.value;
  const secretsText = (await readText(join(directory, SECRETS_FILE))) ?? '';
  return ok({
    toml: text,
    file,
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

/** Parses the configuration with the gateway's own parser. */
export const configOf = ({ variables, secrets, tools, toml }: ConfigFiles): ReadConfig => {
  const environment: Environment = { ...variables, ...secrets };
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
  if (parsed.ok) {
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
      ...parsed.error.filter(({ name }) => unreadTools.length === 0 || name !== TOOLS_FILE),
    ],
    withoutKey,
    missing: [],
  };
};
