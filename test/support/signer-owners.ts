import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

/** Private keys of the owners that the signer under test knows: each test takes one that no other test has used. */
export const OWNER_KEYS: readonly Hex[] = Array.from(
  { length: 64 },
  (_, at): Hex => `0x${(at + 1).toString(16).padStart(64, '0')}`,
);

export const ownerAddresses = (): string =>
  OWNER_KEYS.map((key) => privateKeyToAccount(key).address).join(',');

/** Credentials that the fake key service of tests checks (the example of AWS). */
export const AWS_CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
