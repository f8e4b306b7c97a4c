import { mnemonicToAccount } from 'viem/accounts';
import { CountersignError } from './errors.ts';

/** Accounts of agents that derive from one mnemonic. */
export type Fleet = {
  /**
   * Derives the account of one agent.
   *
   * @param index 0 … 2^31-1
   * @throws CountersignError `options_invalid`
   */
  agent(index: number): ReturnType<typeof mnemonicToAccount>;
};

const LIMIT = 2 ** 31;

/**
 * Derives accounts at `m/44'/60'/<organisation>'/0'/<index>'` (BIP-32). Every step is hardened: with unhardened steps, the leaked key
 * of one agent and an extended public key would reveal the parent key.
 *
 * @param organisation separates fleets of one mnemonic, 0 … 2^31-1. Default: 0
 * @throws CountersignError `options_invalid` for an invalid number; viem's error for an invalid mnemonic
 */
export const fleet = (
  mnemonic: string,
  { organisation = 0 }: { readonly organisation?: number } = {},
): Fleet => {
  const branch = hardened(organisation, 'organisation');
  return {
    agent: (index) =>
      mnemonicToAccount(mnemonic, {
        path: `m/44'/60'/${branch}/0'/${hardened(index, 'index')}`,
      }),
  };
};

const hardened = (index: number, name: string): string => {
  if (Number.isSafeInteger(index) && index >= 0 && index < LIMIT) return `${index}'`;
  throw new CountersignError('options_invalid', `${name} must be a whole number below 2^31`);
};
