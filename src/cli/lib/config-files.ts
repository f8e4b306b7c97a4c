import { parse } from '@decimalturn/toml-patch';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { type Config, type ConfigFault, type Environment, parseConfig } from '../../config.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { readText } from './atomic-file.ts';

export const CONFIG_FILE = 'wrangler.toml';
export const TOOLS_FILE = 'tools.json';
export const SECRETS_FILE = '.dev.vars';

/** The gateway's configuration as it stands in a directory. */
export type ConfigFiles = {
  /** Text of wrangler.toml. */
  readonly toml: string;
  /** `[vars]`. */
  readonly variables: Readonly<Record<string, string>>;
  /** Of .dev.vars, which stands for the secrets and overrides variables. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Text of .dev.vars; empty where there is none. */
  readonly secretsText: string;
  /** Text of tools.json; undefined where there is none. */
  readonly tools: string | undefined;
};

/** Reads the files; undefined where there is no wrangler.toml; an error's text where it cannot be read. */
export const readConfigFiles = async (
  directory: string,
): Promise<Result<ConfigFiles, string> | undefined> => {
  const toml = await readText(join(directory, CONFIG_FILE));
  if (toml === undefined) return undefined;
  let table: Readonly<Record<string, unknown>>;
  try {
    table = parse(toml) as Readonly<Record<string, unknown>>;
  } catch (error) {
    return err(`${CONFIG_FILE} is no TOML: ${(error as Error).message.split('\n')[0] ?? ''}`);
  }
  const secretsText = (await readText(join(directory, SECRETS_FILE))) ?? '';
  return ok({
    toml,
    variables: textsOf(table['vars']),
    secrets: textsOf(parseEnv(secretsText)),
    secretsText,
    tools: await readText(join(directory, TOOLS_FILE)),
  });
};

const textsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(typeof value === 'object' && value !== null ? value : {}).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    ),
  );

/** Whether nothing has been filled in yet. */
export const isBlank = ({ variables }: ConfigFiles): boolean =>
  ['AUDIENCES', 'PAY_TO', 'RPC_URLS', 'FACILITATORS', 'UPSTREAM_URL'].every(
    (name) => (variables[name] ?? '').trim() === '',
  );

export type ReadConfig = {
  readonly config: Config | undefined;
  readonly faults: readonly ConfigFault[];
  /** The key is a secret of the deployed Worker, and not here. */
  readonly withoutKey: boolean;
  /** Other secrets that the configuration wants and that are not here. */
  readonly missing: readonly ('RELAYER_KEY' | 'CDP_API_KEY_SECRET')[];
};

/** Keys for reading the rest of a configuration whose own are elsewhere. They sign nothing. */
const NO_RELAYER_KEY = `0x${'11'.repeat(32)}`;
const NO_CDP_SECRET = 'none';
const NO_KEY = JSON.stringify({
  kty: 'OKP',
  crv: 'Ed25519',
  x: 'A'.repeat(43),
  d: 'A'.repeat(43),
});

/** The configuration as the gateway reads it. */
export const configOf = ({ variables, secrets, tools }: ConfigFiles): ReadConfig => {
  const environment: Environment = { ...variables, ...secrets };
  const withoutKey = (environment.RECEIPT_KEY ?? '') === '';
  const isSet = (name: keyof Environment): boolean => (environment[name] ?? '').trim() !== '';
  const json = parseStrictJson(tools ?? '');
  const parsed = parseConfig(
    {
      ...environment,
      ...(withoutKey ? { RECEIPT_KEY: NO_KEY } : {}),
      ...(isSet('RELAYER_KEY') ? {} : { RELAYER_KEY: NO_RELAYER_KEY }),
      ...(isSet('CDP_API_KEY_ID') && !isSet('CDP_API_KEY_SECRET')
        ? { CDP_API_KEY_SECRET: NO_CDP_SECRET }
        : {}),
    },
    json.ok ? json.value : undefined,
  );
  const unread: readonly ConfigFault[] = json.ok
    ? []
    : [
        {
          name: TOOLS_FILE,
          reason: tools === undefined ? 'is not there' : 'is not JSON, or has a key twice',
        },
      ];
  if (parsed.ok) {
    const { relayers, facilitators } = parsed.value;
    const wantsKey = [...relayers.values()].some(({ signer }) => signer === undefined);
    const wantsSecret = facilitators.some(({ auth }) => auth === 'cdp');
    const missing: ReadConfig['missing'] = [
      ...(wantsKey && !isSet('RELAYER_KEY') ? (['RELAYER_KEY'] as const) : []),
      ...(wantsSecret && !isSet('CDP_API_KEY_SECRET') ? (['CDP_API_KEY_SECRET'] as const) : []),
    ];
    return { config: parsed.value, faults: [], withoutKey, missing };
  }
  return {
    config: undefined,
    faults: [
      ...unread,
      ...parsed.error.filter(({ name }) => unread.length === 0 || name !== TOOLS_FILE),
    ],
    withoutKey,
    missing: [],
  };
};
