import { checksummed } from '../../crypto/address.ts';
import type { Address } from '../../core/hex.ts';
import { CliError } from '../lib/errors.ts';
import { type Keystore, newKeyName } from '../lib/keystore.ts';

/** Keys that the command will write into the keystore, with one password, after the last question. */
export type NewKeys = {
  /** The checksummed address of the key of this name: a new one, or the one of an earlier run. */
  readonly named: (name: string) => Promise<string>;
  /**
   * A key that no other gateway uses: a new one, or the existing one with the address `own`. @throws CliError if another key has the name
   */
  readonly fresh: (name: string, own: readonly string[]) => Promise<string>;
  /** Asks for the password and writes all keys or none. @returns their names and files */
  readonly write: () => Promise<readonly { readonly name: string; readonly file: string }[]>;
};

export const newKeys = (keystore: Keystore): NewKeys => {
  const drafts: {
    readonly name: string;
    readonly address: Address;
    readonly secret: Uint8Array;
  }[] = [];
  const draft = async (name: string): Promise<string> => {
    const { generatePrivateKey, privateKeyToAddress } = await import('viem/accounts');
    const key = generatePrivateKey();
    const address = privateKeyToAddress(key).toLowerCase() as Address;
    drafts.push({ name, address, secret: Buffer.from(key.slice(2), 'hex') });
    return checksummed(address);
  };
  return {
    named: async (text) => {
      const name = newKeyName(text);
      const present = await keystore.entry(name);
      return present?.kind === 'key' ? checksummed(present.address) : await draft(name);
    },
    fresh: async (text, own) => {
      const name = newKeyName(text);
      const present = await keystore.entry(name);
      if (present === undefined) return await draft(name);
      if (present.kind === 'key' && own.includes(present.address))
        return checksummed(present.address);
      throw new CliError(`A key named ${name} exists, and may receive payments elsewhere.`, {
        hint: 'Give --new-pay-to another name: each gateway needs a receiving address of its own.',
        code: 'name_taken',
      });
    },
    write: async () => {
      if (drafts.length === 0) return [];
      const entries = await keystore.addAll(
        drafts.map(({ name, address, secret }) => ({
          entry: { kind: 'key' as const, name, address },
          secret,
        })),
      );
      return entries.map(({ name, file }) => ({ name, file }));
    },
  };
};
