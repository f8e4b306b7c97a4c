import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Hex } from '../../core/hex.ts';
import type { RemoteAccountOptions } from '../../client/remote-signing.ts';
import { readText } from './atomic-file.ts';
import { CliError } from './errors.ts';

/** Keys of agents at a signer, in `<home>/agents/<name>.json`, which only their owner can read. Each file holds options of `remoteAccount`. */
export const agentsDirectory = (home: string): string => join(home, 'agents');

const text = z.string().check(z.maxLength(128));

const schema = z.strictObject({
  url: z.string().check(z.maxLength(2048)),
  address: z.optional(z.string().check(z.regex(/^0x[0-9a-fA-F]{40}$/))),
  key: z.strictObject({ kty: text, crv: text, x: text, d: text }),
});

/** What an agent needs to sign at a signer. `address` is missing if the signer's answer to the enrolment was lost. */
export type StoredAgent = Pick<RemoteAccountOptions, 'url'> & {
  readonly address?: Hex;
  readonly key: z.output<typeof schema>['key'];
};

/** The agent of this name; undefined if there is no file of it. @param name without path separators @throws CliError */
export const readAgent = async (
  directory: string,
  name: string,
): Promise<StoredAgent | undefined> => {
  const path = join(directory, `${name}.json`);
  const file = await readText(path);
  if (file === undefined) return undefined;
  const read = schema.safeParse(jsonOf(file));
  if (read.success) return read.data as StoredAgent;
  throw new CliError(`The command cannot read the agent file ${path}.`, {
    hint: 'Restore the file from your backup, or replace the key with `countersign signer rotate`.',
    code: 'agent_damaged',
  });
};

/** The names of all agents of this machine. */
export const agentNames = async (directory: string): Promise<readonly string[]> => {
  const files = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return files.flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : []));
};

const jsonOf = (file: string): unknown => {
  try {
    return JSON.parse(file);
  } catch {
    return undefined;
  }
};
