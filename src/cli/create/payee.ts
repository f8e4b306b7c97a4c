import { ZERO_ADDRESS } from '../../core/hex.ts';
import { parseAddress } from '../../crypto/address.ts';
import { usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import type { NewKeys } from './new-keys.ts';

/** The receiving address of a gateway. A new key needs no check for other uses. */
export type Payee = { readonly address: string; readonly isNew: boolean };

const INSTEAD = '--pay-to <address>, or --new-pay-to <name>';

/**
 * Takes the receiving address from the options, else asks for it; makes one for a person without a wallet.
 *
 * @param own the addresses that the project has already, so that the same command may run twice
 * @throws CliError usage
 */
export const askPayee = async (
  { prompts }: Session,
  input: Input,
  keys: NewKeys,
  project: string,
  own: readonly string[],
): Promise<Payee> => {
  const given = input.text('payTo');
  const name = input.text('newPayTo');
  if (given !== undefined && name !== undefined)
    throw usageError(
      '--pay-to and --new-pay-to exclude each other.',
      'Give --pay-to for an address that you have, or --new-pay-to for a new one.',
    );
  if (name !== undefined) return { address: await keys.fresh(name, own), isNew: true };
  if (given !== undefined) return { address: given, isNew: false };
  if (!prompts.isInteractive)
    throw usageError(
      'The command needs an address that receives the payments.',
      `Give ${INSTEAD}.`,
    );
  const choice = await prompts.choice<'own' | 'new'>({
    message: 'Which address receives the payments? Use it for nothing else.',
    instead: INSTEAD,
    options: [
      { value: 'own', label: 'one of my wallet' },
      { value: 'new', label: 'a new one', hint: 'encrypted on this machine' },
    ],
    initial: 'own',
  });
  if (choice === 'new')
    return { address: await keys.fresh(`${project.slice(0, 24)}-payee`, own), isNew: true };
  const address = await prompts.text({
    message: 'Its address',
    instead: INSTEAD,
    check: (text) => {
      const parsed = parseAddress(text);
      return parsed === undefined || parsed === ZERO_ADDRESS ? NO_ADDRESS : undefined;
    },
  });
  return { address, isNew: false };
};

const NO_ADDRESS =
  'That is not an address: an address has 0x and 40 hex digits, with a valid checksum if in mixed case.';
