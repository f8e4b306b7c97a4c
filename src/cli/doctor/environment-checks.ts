import { ownKeys } from '../../config/key-faults.ts';
import { type Check, failure, passed } from '../lib/checks.ts';
import {
  type ConfigFiles,
  configOf,
  environmentsOf,
  readConfigFiles,
} from '../lib/config-files.ts';
import { namesOf, withPassedOn } from '../lib/environment-names.ts';
import { readWranglerConfig } from '../lib/wrangler-config.ts';

/** Secrets without a public form: only files on this machine show that two environments share one. */
const SYMMETRIC = ['VAULT_KEY', 'CDP_API_KEY_SECRET', 'CARD_WEBHOOK_SECRET'] as const;

/**
 * Compares an environment with every other one of the same wrangler.toml: names of what belongs to the account, addresses and keys. It needs no
 * network; secrets that are only on Cloudflare are not compared.
 */
export const environmentChecks = async (
  directory: string,
  environment: string | undefined,
): Promise<readonly Check[]> => {
  const read = await readWranglerConfig(directory);
  if (read?.ok !== true) return [];
  const whole = read.value.table;
  const others = [undefined, ...environmentsOf(whole)].filter((name) => name !== environment);
  if (others.length === 0) return [];
  const own = await readConfigFiles(directory, environment);
  if (own?.ok !== true) return [];
  const names = new Set(namesOf(withPassedOn(whole, environment)));
  const keys = keysOf(own.value);
  const checks: Check[] = [];
  for (const name of others) {
    const other = await readConfigFiles(directory, name);
    if (other?.ok !== true) continue;
    const label = name ?? 'top level';
    const shared = [...new Set(namesOf(withPassedOn(whole, name)))].filter((each) =>
      names.has(each),
    );
    if (shared.length > 0)
      checks.push(
        failure(
          'environments',
          `shares ${shared.join(', ')} with ${label}`,
          'Each environment needs a name, a database, a bucket, queues, a dataset and routes of its own: rename them in wrangler.toml. An environment without `routes` takes those of the top level.',
        ),
      );
    const same = keysOf(other.value).filter(({ value }) => keys.some((key) => key.value === value));
    if (same.length > 0)
      checks.push(
        failure(
          'environments',
          `has the same ${[...new Set(same.map((key) => key.name))].join(', ')} as ${label}`,
          'Each environment needs keys of its own: a key of tests leaks more easily, and production would trust it.',
        ),
      );
  }
  return checks.length > 0
    ? checks
    : [
        passed(
          'environments',
          `shares no name and no key with ${others.map((name) => name ?? 'top level').join(', ')}`,
        ),
      ];
};

type Key = { readonly name: string; readonly value: string };

/** Also of a configuration with faults: it may be wrong because its keys are. */
const keysOf = (files: ConfigFiles): readonly Key[] => {
  const { secrets, variables } = files;
  const { config, withoutKey } = configOf({
    ...files,
    variables: { ...variables, FOREIGN_KEYS: '' },
  });
  const ofConfig =
    config === undefined
      ? []
      : ownKeys(config, secrets).filter(({ name }) => !(withoutKey && name === 'RECEIPT_KEY'));
  return [
    ...ofConfig.map(({ name, key }) => ({ name, value: key })),
    ...SYMMETRIC.flatMap((name) => {
      const value = secrets[name]?.trim() ?? '';
      return value === '' ? [] : [{ name, value }];
    }),
  ];
};
