import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encrypt, scrypt } from 'ox/Keystore';
import { mnemonicToAccount, privateKeyToAddress } from 'viem/accounts';
import { type Home, PASSWORD } from './home.ts';

export const WORDS = 'test test test test test test test test test test test junk';

/** Encrypts a secret with cheap scrypt parameters, so that tests are fast. */
const sealed = (secret: Uint8Array | `0x${string}`) => {
  const iv = new Uint8Array(16);
  const [key, { kdf, kdfparams }] = scrypt({ password: PASSWORD, n: 1024, r: 8, p: 1, iv });
  return encrypt(secret, key, { kdf, kdfparams, iv });
};

const put = async (home: Home, name: string, document: object): Promise<void> => {
  const directory = join(home.home, 'keys');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(join(directory, `${name}.json`), JSON.stringify(document), { mode: 0o600 });
};

/** Writes a key into the keystore in the format that other wallets use. */
export const putKey = async (
  home: Home,
  name: string,
  privateKey: `0x${string}`,
): Promise<void> => {
  const address = privateKeyToAddress(privateKey).slice(2);
  await put(home, name, { ...sealed(privateKey), address });
};

/** Writes a fleet into the keystore. */
export const putFleet = async (
  home: Home,
  name: string,
  agents: readonly string[],
): Promise<void> => {
  const listed = agents.map((agent, index) => {
    const { address } = mnemonicToAccount(WORDS, { path: `m/44'/60'/0'/0'/${index}'` });
    return { index, name: agent, address };
  });
  const secret = new TextEncoder().encode(WORDS);
  await put(home, name, { ...sealed(secret), fleet: { organisation: 0, agents: listed } });
};

export const SOME_KEY = `0x${'7'.repeat(64)}` as const;
