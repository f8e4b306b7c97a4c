import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RUNTIME_FILE, type RuntimeFile } from '../../dev/stack/runtime.ts';
import { type Planted, plantKey, plantText } from './secret-scan.ts';

/** Plants every secret in the settings of a local Worker, read from its state directory. */
export const plantedSettings = async (directory: string): Promise<readonly Planted[]> => {
  const { variables } = JSON.parse(
    await readFile(join(directory, RUNTIME_FILE), 'utf8'),
  ) as RuntimeFile;
  return Object.entries(variables).flatMap(([name, value]) => READERS[name]?.(name, value) ?? []);
};

type Reader = (name: string, value: string) => readonly Planted[];

const base64Key: Reader = (name, value) => [
  plantText(name, value),
  plantKey(name, Buffer.from(value, 'base64')),
];

const jwk: Reader = (name, value) => [
  plantKey(name, Buffer.from((JSON.parse(value) as { readonly d: string }).d, 'base64url')),
];

const READERS: Readonly<Record<string, Reader>> = {
  VAULT_KEY: base64Key,
  SIGNER_KEY: base64Key,
  RECEIPT_KEY: jwk,
  LOG_KEY: jwk,
  RELAYER_KEY: (name, value) => [plantKey(name, Buffer.from(value.slice(2), 'hex'))],
  CARD_WEBHOOK_SECRET: (name, value) => [plantText(name, value)],
  AWS_KMS_CREDENTIALS: (name, value) => [
    plantText(name, (JSON.parse(value) as { readonly secretAccessKey: string }).secretAccessKey),
  ],
  // Other PKCS#8 keys may begin and end with the same bytes. Only the middle identifies this key.
  GOOGLE_KMS_CREDENTIALS: (name, value) => {
    const lines = (JSON.parse(value) as { readonly private_key: string }).private_key.split('\n');
    const middle = lines.slice(5, 9).join('');
    return [plantText(name, middle.slice(0, 64)), plantKey(name, Buffer.from(middle, 'base64'))];
  },
};
