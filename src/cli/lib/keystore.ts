import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Hex } from '../../core/hex.ts';
import { type FileToWrite, readText, writeFiles } from './atomic-file.ts';
import { CliError, EXIT, usageError } from './errors.ts';
import { type Keyfile, keyfileSchema, seal, unseal } from './keyfile.ts';
import type { Progress } from './output.ts';
import { createPasswords, type PasswordOptions } from './prompts.ts';

const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** Identities of a local stack (`.dev/stack.json`). A key with such a name would be ambiguous. */
const RESERVED = /^(operator|owner|agent[0-9]{0,2})$/;

export const isKeyName = (text: string): boolean => NAME.test(text);

/**
 * The name of a new key or fleet. The error does not repeat a malformed name: it may be a private key pasted into the wrong place.
 *
 * @throws CliError usage
 */
export const newKeyName = (text: string | undefined): string => {
  if (text === undefined || !isKeyName(text)) {
    throw usageError(
      'That is not a valid name for a key.',
      'Use 1 to 32 of a-z 0-9 _ -, starting with a letter or digit. Never pass a private key as an argument.',
    );
  }
  if (RESERVED.test(text)) {
    throw usageError(
      `The name ${text} is reserved for an identity of a local stack.`,
      'Choose another name, e.g. treasury.',
    );
  }
  return text;
};

/** A key or fleet of the keystore, without its secret. */
export type Entry = KeyEntry | FleetEntry;

type KeyEntry = {
  readonly kind: 'key';
  readonly name: string;
  readonly address: Hex;
  readonly file: string;
};

export type FleetEntry = {
  readonly kind: 'fleet';
  readonly name: string;
  /** The account index of BIP-44 from which the agents derive. */
  readonly organisation: number;
  readonly agents: readonly FleetAgent[];
  readonly file: string;
};

export type FleetAgent = { readonly index: number; readonly name: string; readonly address: Hex };

/** Encrypted secrets in `<home>/keys/<name>.json`, which only their owner can read. */
export type Keystore = {
  readonly directory: string;
  /** Every entry whose file is readable: a damaged file must not hide the others. */
  entries(): Promise<readonly Entry[]>;
  /** Files that hold no readable key or fleet. */
  unreadable(): Promise<readonly string[]>;
  entry(name: string): Promise<Entry | undefined>;
  /** Asks for the password and decrypts. @throws CliError */
  secret(entry: Entry): Promise<Uint8Array<ArrayBuffer>>;
  /** Asks for a new password, encrypts and writes. @throws CliError if the name is taken */
  add(entry: NewEntry, secret: Uint8Array): Promise<Entry>;
  /** Adds several keys with one password: all or none. @throws CliError if a name is taken */
  addAll(keys: readonly NewKey[]): Promise<readonly Entry[]>;
  /** Rewrites the agents of a fleet next to its encrypted secret. */
  updateFleet(entry: FleetEntry): Promise<void>;
  /** The text of the encrypted file. */
  encryptedText(entry: Entry): Promise<string>;
};

type NewKey = { readonly entry: NewEntry; readonly secret: Uint8Array };

type NewEntry = Omit<KeyEntry, 'file'> | Omit<FleetEntry, 'file'>;

type KeystoreOptions = PasswordOptions & {
  readonly home: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
};

const address = z.pipe(
  z.string().check(z.regex(/^(0x)?[0-9a-fA-F]{40}$/)),
  z.transform((text: string): Hex => `0x${text.replace(/^0x/, '').toLowerCase()}`),
);

const agent = z.object({
  index: z.int().check(z.gte(0), z.lt(2 ** 31)),
  name: z.string().check(z.refine(isKeyName)),
  address,
});

/** Plain text next to the encrypted secret: the address, as other wallets write it, or the agents of a fleet. */
const fileSchema = z.intersection(
  keyfileSchema,
  z.union([
    z.object({
      fleet: z.object({
        organisation: z.int().check(z.gte(0), z.lt(2 ** 31)),
        agents: z.array(agent).check(z.maxLength(10_000)),
      }),
    }),
    z.object({ address }),
  ]),
);

const ATTEMPTS = 3;

export const createKeystore = (options: KeystoreOptions): Keystore => {
  const { home, progress, signal } = options;
  const directory = join(home, 'keys');
  const passwords = createPasswords(options);
  const fileOf = (name: string): string => join(directory, `${name}.json`);

  const read = async (name: string) => {
    if (!isKeyName(name)) return undefined;
    const file = fileOf(name);
    const text = await readText(file).catch(() => {
      throw damaged(file);
    });
    if (text === undefined) return undefined;
    const parsed = fileSchema.safeParse(jsonOf(text));
    if (!parsed.success) throw damaged(file);
    const entry: Entry =
      'fleet' in parsed.data
        ? { kind: 'fleet', name, ...parsed.data.fleet, file }
        : { kind: 'key', name, address: parsed.data.address, file };
    return { entry, keyfile: parsed.data, text };
  };
  const readAll = async () =>
    await Promise.all(
      (await keyNamesIn(directory)).toSorted().map(async (name) => ({
        file: fileOf(name),
        entry: await read(name).then(
          (found) => found?.entry,
          () => undefined,
        ),
      })),
    );
  const readAgain = async ({ name, file }: Entry) => {
    const found = await read(name);
    if (found === undefined) throw damaged(file);
    return found;
  };
  const fileTo = (entry: NewEntry, { version, id, crypto }: Keyfile): FileToWrite => {
    const plain =
      entry.kind === 'fleet'
        ? { fleet: { organisation: entry.organisation, agents: entry.agents } }
        : { address: entry.address.slice(2) };
    const text = `${JSON.stringify({ version, id, ...plain, crypto }, undefined, 2)}\n`;
    return { path: fileOf(entry.name), text, mode: 0o600 };
  };
  const addAll: Keystore['addAll'] = async (keys) => {
    for (const { entry } of keys)
      if ((await readText(fileOf(entry.name))) !== undefined) throw taken(entry.name);
    const named = keys.map(({ entry }) => `${entry.kind} ${entry.name}`).join(' and ');
    const password = await passwords.fresh(named);
    const files: FileToWrite[] = [];
    for (const { entry, secret } of keys) {
      const keyfile = await progress.during('encrypting', async () => seal(secret, password));
      // Race: another process may have taken the name during the prompt; overwriting would lose its key.
      files.push({ ...fileTo(entry, keyfile), over: 'nothing' });
    }
    await writeFiles(files, signal).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' ? taken(keys[0]?.entry.name ?? '') : error;
    });
    return keys.map(({ entry }) => ({ ...entry, file: fileOf(entry.name) }));
  };

  return {
    directory,
    entries: async () => (await readAll()).flatMap(({ entry }) => entry ?? []),
    unreadable: async () =>
      (await readAll()).flatMap(({ entry, file }) => (entry === undefined ? [file] : [])),
    entry: async (name) => (await read(name))?.entry,
    secret: async (entry) => {
      const { keyfile } = await readAgain(entry);
      for (let attempt = 1; ; attempt += 1) {
        const password = await passwords.existing(`${entry.kind} ${entry.name}`);
        const secret = await progress.during('decrypting', async () => unseal(keyfile, password));
        if (secret !== undefined) return secret;
        if (!passwords.isPrompted || attempt === ATTEMPTS) throw wrongPassword(entry.name);
        options.note('Wrong password.');
      }
    },
    add: async (entry, secret) => {
      const [added] = await addAll([{ entry, secret }]);
      if (added === undefined) throw new Error('the keystore wrote nothing');
      return added;
    },
    addAll,
    updateFleet: async (entry) =>
      await writeFiles([fileTo(entry, (await readAgain(entry)).keyfile)], signal),
    encryptedText: async (entry) => (await readAgain(entry)).text,
  };
};

/** Names of the key files in a directory, which may be missing. */
const keyNamesIn = async (directory: string): Promise<readonly string[]> => {
  const files = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .filter(isKeyName);
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const damaged = (file: string): CliError =>
  new CliError(`The command cannot read the keystore file ${file}.`, {
    hint: 'Restore the file from your backup, or move it away and use `countersign keys import`.',
    code: 'keystore_damaged',
  });

const taken = (name: string): CliError =>
  new CliError(`A key or fleet named ${name} already exists.`, {
    hint: 'Choose another name: the command never overwrites a key. `countersign keys list` prints the names.',
    code: 'name_taken',
  });

const wrongPassword = (name: string): CliError =>
  new CliError(`The password does not decrypt ${name}.`, {
    hint: 'Check the password. You alone have it, and the key is lost without it.',
    exit: EXIT.unauthorised,
    code: 'wrong_password',
  });
