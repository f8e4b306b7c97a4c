import { checksummed } from '../../crypto/address.ts';
import { newKey } from '../keys.ts';
import type { ConfigFiles } from '../lib/config-files.ts';
import type { Input } from '../lib/input.ts';
import { newKeyName } from '../lib/keystore.ts';
import type { Session } from '../lib/session.ts';

/**
 * The operators of a new gateway: the given addresses, a new key in the keystore, or those that the project has.
 *
 * @returns undefined if the configured operators stay
 */
export const askOperator = async (
  session: Session,
  input: Input,
  given: string | undefined,
  { variables }: ConfigFiles,
): Promise<string | undefined> => {
  if (given !== undefined) return given;
  const name = input.text('newOperator');
  if (name !== undefined) return await operatorNamed(session, name);
  if (!session.prompts.isInteractive || (variables['OPERATORS'] ?? '') !== '') return undefined;
  const choice = await session.prompts.choice({
    message: 'Which wallet manages the gateway? It changes tools and prices, and refunds.',
    instead: '--operator <address>, or --new-operator <name>',
    options: [
      { value: 'new', label: 'a new one', hint: 'encrypted on this machine' },
      { value: 'none', label: 'none for now', hint: '--operator <address> adds one later' },
    ],
    initial: 'new',
  });
  return choice === 'new' ? await operatorNamed(session, 'gateway') : undefined;
};

/** A second run finds the key of the first one. */
const operatorNamed = async ({ keystore, out }: Session, name: string): Promise<string> => {
  const present = await keystore.entry(newKeyName(name));
  if (present?.kind === 'key') return checksummed(present.address);
  const entry = await newKey(keystore, name);
  out.note(
    `created the key ${name}, encrypted in ${entry.file}; back up the file and its password`,
  );
  return checksummed(entry.address);
};
