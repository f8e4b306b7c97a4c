import { pbkdf2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import * as Ox from 'ox/Keystore';
import * as z from 'zod/mini';
import { CliError, EXIT } from './errors.ts';

/** Web3 Secret Storage version 3, so that other wallets read our files and we read theirs. */
const hexOf = (bytes: number) =>
  z.string().check(z.regex(new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`)));
const bytes = (most: number) =>
  z.string().check(z.regex(new RegExp(`^([0-9a-fA-F]{2}){1,${most}}$`)));

/** Bounds on what a hostile file can cost this machine (CWE-400): 1 GiB of memory, or seconds of work. */
const MAX_MEMORY = 1024 ** 3;

const scryptSchema = z.object({
  dklen: z.literal(32),
  n: z.int().check(z.gte(2), z.lte(2 ** 20)),
  p: z.int().check(z.gte(1), z.lte(16)),
  r: z.int().check(z.gte(1), z.lte(16)),
  salt: bytes(64),
});
const pbkdf2Schema = z.object({
  c: z.int().check(z.gte(1), z.lte(10_000_000)),
  dklen: z.literal(32),
  prf: z.literal('hmac-sha256'),
  salt: bytes(64),
});

const cipher = {
  cipher: z.literal('aes-128-ctr'),
  cipherparams: z.object({ iv: hexOf(16) }),
  ciphertext: bytes(512),
  mac: hexOf(32),
};

export const keyfileSchema = z.object({
  version: z.literal(3),
  id: z.string().check(z.maxLength(64)),
  crypto: z.discriminatedUnion('kdf', [
    z.object({ ...cipher, kdf: z.literal('scrypt'), kdfparams: scryptSchema }),
    z.object({ ...cipher, kdf: z.literal('pbkdf2'), kdfparams: pbkdf2Schema }),
  ]),
});

export type Keyfile = z.output<typeof keyfileSchema>;

const nodeScrypt = promisify<string, Buffer, number, object, Buffer>(scrypt);
const nodePbkdf2 = promisify(pbkdf2);

/** OWASP Password Storage Cheat Sheet: 128 MiB, about half a second. */
const COST = { n: 2 ** 17, r: 8, p: 1, dklen: 32 } as const;

/** Derives the file's key with Node's own functions, several times faster than ox's JavaScript. */
const deriveKey = async (file: Keyfile, password: string): Promise<`0x${string}`> => {
  const normalized = password.normalize('NFKC');
  const { kdf, kdfparams } = file.crypto;
  if (kdf === 'pbkdf2') {
    const salt = Buffer.from(kdfparams.salt, 'hex');
    const key = await nodePbkdf2(normalized, salt, kdfparams.c, 32, 'sha256');
    return `0x${key.toString('hex')}`;
  }
  const { n, r } = kdfparams;
  if (128 * n * r > MAX_MEMORY) throw unreadable();
  // OpenSSL enforces the bound of RFC 7914 §2 on N. Files of some wallets break it.
  return Math.log2(n) < 16 * r
    ? await scryptKey(normalized, kdfparams)
    : hexKey(await Ox.toKeyAsync(file, { password: normalized }));
};

const hexKey = (key: Ox.Key): `0x${string}` => (typeof key === 'function' ? key() : key);

const scryptKey = async (
  password: string,
  { n, r, p, salt }: Omit<z.output<typeof scryptSchema>, 'dklen'>,
): Promise<`0x${string}`> => {
  const options = { N: n, r, p, maxmem: 2 * MAX_MEMORY };
  const key = await nodeScrypt(password, Buffer.from(salt, 'hex'), 32, options);
  return `0x${key.toString('hex')}`;
};

/** Encrypts a secret under a password. */
export const seal = async (secret: Uint8Array, password: string): Promise<Keyfile> => {
  const kdfparams = { ...COST, salt: randomBytes(32).toString('hex') };
  const key = await scryptKey(password.normalize('NFKC'), kdfparams);
  const iv = new Uint8Array(randomBytes(16));
  const keyfile = keyfileSchema.parse(Ox.encrypt(secret, key, { kdf: 'scrypt', kdfparams, iv }));
  // Never store a file that does not decrypt: its owner would fund an address whose key is lost.
  const again = decrypt(keyfile, key);
  if (again === undefined || !Buffer.from(again).equals(Buffer.from(secret)))
    throw new Error('an encrypted secret did not decrypt again');
  return keyfile;
};

/** The secret of a file; undefined if the password is wrong. */
export const unseal = async (
  file: Keyfile,
  password: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> => decrypt(file, await deriveKey(file, password));

const decrypt = (file: Keyfile, key: `0x${string}`): Uint8Array<ArrayBuffer> | undefined => {
  try {
    return new Uint8Array(Ox.decrypt(file, key, { as: 'Bytes' }));
  } catch {
    return undefined;
  }
};

/** Reads a keystore file's text. @throws CliError */
export const parseKeyfile = (text: string): Keyfile => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw unreadable();
  }
  const parsed = keyfileSchema.safeParse(json);
  if (!parsed.success) throw unreadable();
  return parsed.data;
};

const unreadable = (): CliError =>
  new CliError('The command cannot read that file as a keystore.', {
    hint: 'Give a file of Web3 Secret Storage version 3, e.g. one that `countersign keys export` wrote.',
    exit: EXIT.usage,
    code: 'keystore_unreadable',
  });

/** Compares two passwords in constant time (CWE-208). */
export const isSamePassword = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
};
