import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod/mini';
import type { PrivateAgentKey } from '../../client/agent-key.ts';
import type { Hex } from '../../core/hex.ts';
import { type AgentJwk, agentJwkSchema, MAX_ENROLLED } from '../../protocol/signer/management.ts';
import { type FileToWrite, readText, writeFiles } from '../lib/atomic-file.ts';
import { agentsDirectory, type StoredAgent } from '../lib/agent-file.ts';
import { CliError, usageError } from '../lib/errors.ts';
import { type Input, jsonFile } from '../lib/input.ts';
import { homeOf, type Session } from '../lib/session.ts';

/** A new key of an agent, and the file that will hold it. */
export type AgentFile = {
  readonly name: string;
  readonly path: string;
  readonly jwk: AgentJwk;
  readonly stored: StoredAgent;
};

const textOf = (stored: StoredAgent): string => `${JSON.stringify(stored, undefined, 2)}\n`;

/** Where agent files are: `--out`, else `<home>/agents`. */
export const directoryOf = ({ env, directory }: Session, input: Input): string => {
  const out = input.text('out');
  return out === undefined ? agentsDirectory(homeOf(env)) : resolve(directory, out);
};

/** Makes a key for each name. Nothing is written yet. */
export const newAgentFiles = async (
  names: readonly string[],
  directory: string,
  of: Omit<StoredAgent, 'key'>,
): Promise<readonly AgentFile[]> =>
  await Promise.all(
    names.map(async (name) => {
      const pair = (await crypto.subtle.generateKey('Ed25519', true, [
        'sign',
        'verify',
      ])) as CryptoKeyPair;
      const exported: unknown = await crypto.subtle.exportKey('jwk', pair.privateKey);
      const { x = '', d = '' } = exported as PrivateAgentKey;
      const jwk = { kty: 'OKP', crv: 'Ed25519', x } as const;
      return {
        name,
        path: join(directory, `${name}.json`),
        jwk,
        stored: { ...of, key: { ...jwk, d } },
      };
    }),
  );

/** Writes key files that only their owner can read, all or none, and over no other file. @throws CliError */
export const writeAgentFiles = async (
  { signal }: Session,
  files: readonly AgentFile[],
): Promise<void> => {
  const drafts = files.map(({ path, stored }): FileToWrite => ({
    ...{ path, text: textOf(stored), mode: 0o600 },
    over: 'nothing',
  }));
  for (const { path } of files) if ((await readText(path)) !== undefined) throw taken(path);
  await writeFiles(drafts, signal).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' ? taken(files[0]?.path ?? '') : error;
  });
};

/** Adds the wallet addresses, in the order of the files. */
export const addAddresses = async (
  { signal }: Session,
  files: readonly AgentFile[],
  addresses: readonly Hex[],
): Promise<void> => {
  const complete = files.map(({ path, stored: { url, key } }, at): FileToWrite => {
    const address = addresses[at];
    const stored = address === undefined ? { url, key } : { url, address, key };
    return { path, text: textOf(stored), mode: 0o600 };
  });
  await writeFiles(complete, signal);
};

/** Removes key files that no signer knows. */
export const removeAgentFiles = async (files: readonly AgentFile[]): Promise<void> => {
  await Promise.all(files.map(async ({ path }) => await rm(path, { force: true })));
};

const taken = (path: string): CliError =>
  new CliError(`The file ${path} already exists.`, {
    hint: 'Choose another name, or another directory with --out: the command never overwrites a key.',
    code: 'name_taken',
  });

const keysSchema = z.union([
  agentJwkSchema,
  z.array(agentJwkSchema).check(z.minLength(1), z.maxLength(MAX_ENROLLED)),
]);

/** The public keys of `--jwk`: one, or an array of them. @throws CliError usage */
export const publicKeysIn = async (
  session: Session,
  input: Input,
): Promise<readonly AgentJwk[] | undefined> => {
  const file = input.text('jwk');
  if (file === undefined) return undefined;
  const json = await jsonFile(session, file);
  const all = (Array.isArray(json) ? json : [json]) as readonly unknown[];
  if (all.some((each) => typeof each === 'object' && each !== null && 'd' in each)) {
    throw usageError(
      'That file holds a private key, which must not leave the agent.',
      'Give the public key alone: {kty, crv, x}.',
    );
  }
  const read = keysSchema.safeParse(json);
  if (read.success) return [read.data].flat();
  throw usageError(
    'That file holds no public Ed25519 key as JWK.',
    'Give {"kty": "OKP", "crv": "Ed25519", "x": "…"}, or an array of them.',
  );
};
