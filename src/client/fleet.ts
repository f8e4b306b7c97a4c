import { mnemonicToAccount } from 'viem/accounts';
import { CountersignError } from './errors.ts';

/** Agents that one mnemonic stands for. */
export type Fleet = {
  /** The account of agent number `index`, 0 … 2^31-1. */
  agent(index: number): ReturnType<typeof mnemonicToAccount>;
};

const LIMIT = 2 ** 31;

/**
 * Accounts at `m/44'/60'/<organisation>'/0'/<index>'`. Every step is hardened: the key of one agent, leaked together with an
 * extended public key, then gives away neither the parent nor a sibling (design §8).
 *
 * @throws CountersignError `options_invalid` for a number that is no index, and the mnemonic's own error
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
