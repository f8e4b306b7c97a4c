import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Hex } from '../../core/hex.ts';
import { type FileToWrite, readText, writeFiles } from './atomic-file.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exit-code.ts';
import { isKeyName } from './key-name.ts';
import { type Keyfile, keyfileSchema, seal, unseal } from './keyfile.ts';
import { createPasswords, type PasswordOptions } from './password.ts';
import type { Progress } from './progress.ts';

/** What is in the keystore, without its secret. */
export type Entry =
  | { readonly kind: 'key'; readonly name: string; readonly address: Hex; readonly file: string }
  | {
      readonly kind: 'fleet';
      readonly name: string;
      readonly organisation: number;
      readonly agents: readonly FleetAgent[];
      readonly file: string;
    };

export type FleetAgent = { readonly index: number; readonly name: string; readonly address: Hex };

/** Encrypted secrets on disk: `<home>/keys/<name>.json`, each readable by its owner only. */
export type Keystore = {
  readonly directory: string;
  entries(): Promise<readonly Entry[]>;
  entry(name: string): Promise<Entry | undefined>;
  /** Decrypts. Asks for the password. @throws CliError */
  secret(entry: Entry): Promise<Uint8Array<ArrayBuffer>>;
  /** Encrypts and writes something new. Asks for a password. @throws CliError where the name is taken */
  add(entry: NewEntry, secret: Uint8Array): Promise<Entry>;
  /** Writes what an entry says besides its secret, which stays as it is. */
  describe(entry: Extract<Entry, { readonly kind: 'fleet' }>): Promise<void>;
  /** The encrypted file's text. */
  sealed(entry: Entry): Promise<string>;
};

type WithoutFile<E> = E extends Entry ? Omit<E, 'file'> : never;
export type NewEntry = WithoutFile<Entry>;

export type KeystoreOptions = PasswordOptions & {
  readonly home: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
};

const address = z.pipe(
  z.string().check(z.regex(/^(0x)?[0-9a-fA-F]{40}$/)),
  z.transform((text: string): Hex => `0x${text.replace(/^0x/, '').toLowerCase()}`),
);

/** Beside the encrypted secret: an address as other wallets write it, or what a fleet is. */
const fileSchema = z.intersection(
  keyfileSchema,
  z.union([
    z.object({
      fleet: z.object({
        organisation: z.int().check(z.gte(0), z.lt(2 ** 31)),
        agents: z
          .array(
            z.object({
              index: z.int().check(z.gte(0), z.lt(2 ** 31)),
              name: z.string().check(z.refine(isKeyName)),
              address,
            }),
          )
          .check(z.maxLength(10_000)),
      }),
    }),
    z.object({ address }),
  ]),
);

const TRIES = 3;

export const createKeystore = (options: KeystoreOptions): Keystore => {
  const { home, progress, signal } = options;
  const directory = join(home, 'keys');
  const passwords = createPasswords(options);
  const fileOf = (name: string): string => join(directory, `${name}.json`);

  const read = async (name: string) => {
    if (!isKeyName(name)) return undefined;
    const file = fileOf(name);
    const text = await readText(file);
    if (text === undefined) return undefined;
    const parsed = fileSchema.safeParse(jsonOf(text));
    if (!parsed.success) throw damaged(file);
    const entry: Entry =
      'fleet' in parsed.data
        ? { kind: 'fleet', name, ...parsed.data.fleet, file }
        : { kind: 'key', name, address: parsed.data.address, file };
    return { entry, keyfile: parsed.data, text };
  };
  const mustRead = async ({ name, file }: Entry) => {
    const found = await read(name);
    if (found === undefined) throw damaged(file);
    return found;
  };
  const write = async (
    entry: NewEntry,
    { version, id, crypto }: Keyfile,
    over: Pick<FileToWrite, 'over'>,
  ): Promise<void> => {
    const told =
      entry.kind === 'fleet'
        ? { fleet: { organisation: entry.organisation, agents: entry.agents } }
        : { address: entry.address.slice(2) };
    const text = `${JSON.stringify({ version, id, ...told, crypto }, undefined, 2)}\n`;
    await writeFiles([{ path: fileOf(entry.name), text, mode: 0o600, ...over }], signal);
  };

  return {
    directory,
    entries: async () => {
      const found = await Promise.all(
        (await namesIn(directory)).map(async (name) => (await read(name))?.entry),
      );
      return found.filter((entry) => entry !== undefined);
    },
    entry: async (name) => (await read(name))?.entry,
    secret: async (entry) => {
      const { keyfile } = await mustRead(entry);
      for (let attempt = 1; ; attempt += 1) {
        const password = await passwords.known(`${entry.kind} ${entry.name}`);
        const secret = await progress.during('decrypting', async () => unseal(keyfile, password));
        if (secret !== undefined) return secret;
        if (!passwords.asked || attempt === TRIES) throw wrongPassword(entry.name);
        options.note('That is not its password.');
      }
    },
    add: async (entry, secret) => {
      if ((await readText(fileOf(entry.name))) !== undefined) throw taken(entry.name);
      const password = await passwords.fresh(`${entry.kind} ${entry.name}`);
      const keyfile = await progress.during('encrypting', async () => seal(secret, password));
      // Somebody else may have taken the name while a password was thought of: their key would be lost.
      await write(entry, keyfile, { over: 'nothing' }).catch((error: NodeJS.ErrnoException) => {
        throw error.code === 'EEXIST' ? taken(entry.name) : error;
      });
      return { ...entry, file: fileOf(entry.name) };
    },
    describe: async (entry) => await write(entry, (await mustRead(entry)).keyfile, {}),
    sealed: async (entry) => (await mustRead(entry)).text,
  };
};

const namesIn = async (directory: string): Promise<readonly string[]> => {
  const files = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .filter(isKeyName)
    .toSorted();
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const damaged = (file: string): CliError =>
  new CliError(`${file} is no keystore file that can be read.`, {
    hint: 'Put back a copy of it, or move it away.',
    code: 'keystore_damaged',
  });

const taken = (name: string): CliError =>
  new CliError(`There is already a key or fleet named ${name}.`, {
    hint: 'Choose another name. Keys are never overwritten.',
    code: 'name_taken',
  });

const wrongPassword = (name: string): CliError =>
  new CliError(`The password does not open ${name}.`, {
    hint: 'Check the password. Nobody else has it: without it the key is lost.',
    exit: EXIT.unauthorised,
    code: 'wrong_password',
  });
