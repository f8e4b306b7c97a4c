import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { checksummed, parseAddress } from '../../crypto/address.ts';
import { nameOf } from '../create/project.ts';
import { changedFiles, type FileToWrite, readText, writeFiles } from '../lib/atomic-file.ts';
import { checkLines } from '../lib/checks.ts';
import type { Command } from '../lib/command.ts';
import { SECRETS_FILE } from '../lib/config-files.ts';
import { CliError, usageError } from '../lib/errors.ts';
import { type Input, listOf } from '../lib/input.ts';
import { originOf } from '../lib/profile.ts';
import type { Session } from '../lib/session.ts';
import { parseConfigText, textAt } from '../lib/wrangler-config.ts';
import { signerConfigChecks } from './checks.ts';
import {
  readSignerProject,
  SIGNER_CONFIG,
  type SignerProject,
  signerProjectOf,
  withVariables,
} from './project.ts';

const ENTRY = 'src/signer.ts';
const ENTRY_TEXT = `export { default, Keyring } from 'countersign/signer';\n`;

export const init: Command = {
  summary: 'add a signer to this project: wrangler.signer.toml, its entry and SIGNER_KEY',
  options: [
    { flags: '--owner <addresses>', summary: 'who may enrol agents (default: the key of --as)' },
    { flags: '--origin <origin>', summary: 'origin that agents will call, e.g. of workers.dev' },
  ],
  shared: ['signer'],
  examples: [
    'countersign signer init --owner 0x… --origin https://signer.example',
    'countersign signer init --origin https://signer.example --as treasury',
  ],
  run: async (session, input) => {
    const { out, directory, signal } = session;
    const present = await presentOrNew(directory);
    const owners = await ownersIn(session, input, present);
    const origin = input.text('origin');
    const toml = withVariables(present, {
      OWNERS: owners.join(','),
      ...(origin === undefined ? {} : { SIGNER_ORIGIN: originOf(origin, '--origin') }),
    });
    const hasKey = present.secrets['SIGNER_KEY'] !== undefined;
    const files: readonly FileToWrite[] = [
      { path: join(directory, SIGNER_CONFIG), text: toml },
      ...(textAt(present.table, 'main') === ENTRY &&
      (await readText(join(directory, ENTRY))) === undefined
        ? [{ path: join(directory, ENTRY), text: ENTRY_TEXT }]
        : []),
      ...(hasKey
        ? []
        : [
            {
              path: join(directory, SECRETS_FILE),
              text: withKey(present.secretsText),
              mode: 0o600,
            },
          ]),
    ];
    const written = await changedFiles(files);
    await writeFiles(written, signal);
    const after = await readSignerProject(directory);
    if (after?.ok !== true) throw new Error('the written configuration cannot be read');
    const checks = signerConfigChecks(after.value);
    const names = written.map(({ path }) => path.slice(directory.length + 1));
    out.result({ changed: names.length > 0, files: names, owners, checks }, () =>
      [
        names.length === 0
          ? `${out.style.dim('same')}  nothing changed`
          : `${out.style.good('wrote')} ${names.join(', ')}`,
        checkLines(out, checks),
        `${out.style.accent('countersign deploy --signer')} deploys it.`,
      ].join('\n'),
    );
  },
};

/** The configuration in this directory, else the one of this release under the name of the project. @throws CliError */
const presentOrNew = async (directory: string): Promise<SignerProject> => {
  const read = await readSignerProject(directory);
  if (read?.ok === true) return read.value;
  if (read !== undefined)
    throw new CliError(`${read.error}.`, {
      hint: 'Correct wrangler.signer.toml, or move it away: `countersign signer init` then writes a new one.',
    });
  const template = await readText(join(import.meta.dirname, 'project', SIGNER_CONFIG));
  if (template === undefined) throw new Error('the template is missing');
  // Queues and databases belong to the account: two projects with the same names would share them.
  const toml = template.replaceAll('countersign-signer', `${nameOf(directory)}-signer`);
  const table = parseConfigText('wrangler.toml', toml);
  if (!table.ok) throw new Error(table.error);
  return signerProjectOf(toml, table.value, (await readText(join(directory, SECRETS_FILE))) ?? '');
};

/** `.dev.vars` with a new key. The other lines stay: they belong to the gateway. */
const withKey = (secretsText: string): string => {
  const before = secretsText.trimEnd();
  const key = randomBytes(32).toString('base64');
  return `${before === '' ? '' : `${before}\n`}SIGNER_KEY='${key}'\n`;
};

const ownersIn = async (
  { profile, env }: Session,
  input: Input,
  { variables }: SignerProject,
): Promise<readonly string[]> => {
  const given = input.text('owner');
  if (given !== undefined) {
    return listOf(given).map((text) => {
      const address = parseAddress(text);
      if (address !== undefined) return checksummed(address);
      throw usageError('An owner is not an address.', 'Give addresses, comma-separated.');
    });
  }
  const named = input.text('as') ?? env['COUNTERSIGN_AS'] ?? '';
  if (named !== '') return [checksummed((await profile.named(named)).address)];
  const kept = listOf(variables['OWNERS'] ?? '');
  if (kept.length > 0) return kept;
  throw usageError('--owner is missing.', 'Give the address that may enrol agents, or --as <key>.');
};
