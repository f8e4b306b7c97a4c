import { pbkdf2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { scryptAsync } from '@noble/hashes/scrypt.js';
import * as Ox from 'ox/Keystore';
import * as z from 'zod/mini';
import { CliError } from './errors.ts';
import { EXIT } from './exit-code.ts';

/**
 * Secrets as files hold them: Web3 Secret Storage version 3, so that other wallets can read a key of ours and we one of theirs.
 * Keys are derived by Node's own scrypt: the one in JavaScript takes several times as long.
 */
const hexOf = (bytes: number) =>
  z.string().check(z.regex(new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`)));

/** Bounds on what a file may make this machine do: 1 GiB of memory, or some seconds of work. */
const MAX_MEMORY = 1024 ** 3;

const scryptSchema = z.object({
  dklen: z.literal(32),
  n: z.int().check(z.gte(2), z.lte(2 ** 20)),
  p: z.int().check(z.gte(1), z.lte(16)),
  r: z.int().check(z.gte(1), z.lte(16)),
  salt: z.string().check(z.regex(/^([0-9a-fA-F]{2}){1,64}$/)),
});
const pbkdf2Schema = z.object({
  c: z.int().check(z.gte(1), z.lte(10_000_000)),
  dklen: z.literal(32),
  prf: z.literal('hmac-sha256'),
  salt: z.string().check(z.regex(/^([0-9a-fA-F]{2}){1,64}$/)),
});

const sealed = {
  cipher: z.literal('aes-128-ctr'),
  cipherparams: z.object({ iv: hexOf(16) }),
  ciphertext: z.string().check(z.regex(/^([0-9a-fA-F]{2}){1,512}$/)),
  mac: hexOf(32),
};

export const keyfileSchema = z.object({
  version: z.literal(3),
  id: z.string().check(z.maxLength(64)),
  crypto: z.discriminatedUnion('kdf', [
    z.object({ ...sealed, kdf: z.literal('scrypt'), kdfparams: scryptSchema }),
    z.object({ ...sealed, kdf: z.literal('pbkdf2'), kdfparams: pbkdf2Schema }),
  ]),
});

export type Keyfile = z.output<typeof keyfileSchema>;

const deriveScrypt = promisify<string, Buffer, number, object, Buffer>(scrypt);
const derivePbkdf2 = promisify(pbkdf2);

/** OWASP's parameters for scrypt: 128 MiB, about half a second. */
const COST = { n: 2 ** 17, r: 8, p: 1, dklen: 32 } as const;

const keyBy = async (
  password: string,
  { kdf, kdfparams }: Pick<Keyfile['crypto'], 'kdf' | 'kdfparams'>,
): Promise<`0x${string}`> => {
  const text = password.normalize('NFKC');
  const salt = Buffer.from(kdfparams.salt, 'hex');
  const key =
    kdf === 'pbkdf2'
      ? await derivePbkdf2(text, salt, (kdfparams as z.output<typeof pbkdf2Schema>).c, 32, 'sha256')
      : await scryptKey(text, salt, kdfparams as z.output<typeof scryptSchema>);
  return `0x${key.toString('hex')}`;
};

const scryptKey = async (
  text: string,
  salt: Buffer,
  { n, r, p }: { readonly n: number; readonly r: number; readonly p: number },
): Promise<Buffer> => {
  if (128 * n * r > MAX_MEMORY) throw unreadable();
  // RFC 7914 bounds N by r, and OpenSSL keeps to that; there are wallets that do not.
  return Math.log2(n) < 16 * r
    ? await deriveScrypt(text, salt, 32, { N: n, r, p, maxmem: 2 * MAX_MEMORY })
    : Buffer.from(await scryptAsync(text, salt, { N: n, r, p, dkLen: 32, maxmem: 2 * MAX_MEMORY }));
};

/** Encrypts a secret under a password. */
export const seal = async (secret: Uint8Array, password: string): Promise<Keyfile> => {
  const kdf = 'scrypt';
  const kdfparams = { ...COST, salt: randomBytes(32).toString('hex') };
  const key = await keyBy(password, { kdf, kdfparams });
  const file = Ox.encrypt(secret, key, { kdf, kdfparams, iv: new Uint8Array(randomBytes(16)) });
  const keyfile = keyfileSchema.parse(file);
  // What does not open again is not kept: somebody could be told to pay to a key in it.
  const again = opened(keyfile, key);
  if (again === undefined || !Buffer.from(again).equals(Buffer.from(secret))) {
    throw new Error('a sealed secret did not open again');
  }
  return keyfile;
};

/** The secret of a file; undefined where the password is not the one it was sealed with. */
export const unseal = async (
  file: Keyfile,
  password: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> => {
  return opened(file, await keyBy(password, file.crypto));
};

const opened = (file: Keyfile, key: `0x${string}`): Uint8Array<ArrayBuffer> | undefined => {
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
  new CliError('That is no keystore file that can be read.', {
    hint: 'Give a file of Web3 Secret Storage version 3, e.g. one that `countersign keys export` wrote.',
    exit: EXIT.usage,
    code: 'keystore_unreadable',
  });

/** Whether two passwords are one, told without saying where they differ. */
export const samePassword = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
};
