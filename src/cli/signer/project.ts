import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { patch } from '@decimalturn/toml-patch';
import { err, ok, type Result } from '../../core/result.ts';
import { readText } from '../lib/atomic-file.ts';
import { type ConfigFiles, SECRETS_FILE } from '../lib/config-files.ts';
import { isTable, parseConfigText, type Table, tablesAt, textAt } from '../lib/wrangler-config.ts';

export const SIGNER_CONFIG = 'wrangler.signer.toml';

/** The secrets that a signer may have. */
export const SIGNER_SECRETS = [
  'SIGNER_KEY',
  'SIGNER_KEY_OLD',
  'AWS_KMS_CREDENTIALS',
  'GOOGLE_KMS_CREDENTIALS',
] as const;

/** The configuration of the signer in a directory: its own file of wrangler, and its secrets in `.dev.vars`. */
export type SignerProject = ConfigFiles & { readonly table: Table };

/** Undefined without wrangler.signer.toml; the text of the error if it cannot be parsed. */
export const readSignerProject = async (
  directory: string,
): Promise<Result<SignerProject, string> | undefined> => {
  const toml = await readText(join(directory, SIGNER_CONFIG));
  if (toml === undefined) return undefined;
  const table = parseConfigText('wrangler.toml', toml);
  if (!table.ok) return err(`${SIGNER_CONFIG} is not TOML`);
  return ok(
    signerProjectOf(toml, table.value, (await readText(join(directory, SECRETS_FILE))) ?? ''),
  );
};

/** @param secretsText of `.dev.vars`, which a gateway in the same directory shares */
export const signerProjectOf = (toml: string, table: Table, secretsText: string): SignerProject => {
  const values = parseEnv(secretsText);
  const vars = table['vars'];
  return {
    ...{
      toml,
      file: 'wrangler.toml',
      environment: undefined,
      table,
      secretsText,
      tools: undefined,
    },
    variables: Object.fromEntries(
      Object.entries(isTable(vars) ? vars : {}).filter(
        (pair): pair is [string, string] => typeof pair[1] === 'string',
      ),
    ),
    secrets: Object.fromEntries(
      SIGNER_SECRETS.flatMap((name) => {
        const value = values[name]?.trim() ?? '';
        return value === '' ? [] : [[name, value] as const];
      }),
    ),
  };
};

/** The text of wrangler.signer.toml with other variables; comments stay. */
export const withVariables = (
  { toml, table, variables }: Pick<SignerProject, 'toml' | 'table' | 'variables'>,
  changes: Readonly<Record<string, string>>,
): string => patch(toml, { ...table, vars: { ...variables, ...changes } });

/** What the Worker is bound to, by name: `KEYRING`, `AUDIT_DB`, `AUDIT_QUEUE`. */
export const bindingsOf = (table: Table): ReadonlySet<string> =>
  new Set(
    [
      ...tablesAt(table, 'durable_objects', 'bindings').map((each) => textAt(each, 'name')),
      ...tablesAt(table, 'd1_databases').map((each) => textAt(each, 'binding')),
      ...tablesAt(table, 'queues', 'producers').map((each) => textAt(each, 'binding')),
    ].filter((name) => name !== undefined),
  );
