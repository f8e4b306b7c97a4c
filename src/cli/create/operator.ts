import type { ConfigFiles } from '../lib/config-files.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import type { NewKeys } from './new-keys.ts';

/**
 * The operators of a new gateway: the given addresses, a new key in the keystore, or those that the project has.
 *
 * @returns undefined if the configured operators stay
 */
export const askOperator = async (
  { prompts }: Session,
  input: Input,
  given: string | undefined,
  { variables }: ConfigFiles,
  keys: NewKeys,
): Promise<string | undefined> => {
  if (given !== undefined) return given;
  const name = input.text('newOperator');
  if (name !== undefined) return await keys.named(name);
  if (!prompts.isInteractive || (variables['OPERATORS'] ?? '') !== '') return undefined;
  const choice = await prompts.choice<'new' | 'none'>({
    message: 'Which wallet manages the gateway? It changes tools and prices, and refunds.',
    instead: '--operator <address>, or --new-operator <name>',
    options: [
      { value: 'new', label: 'a new one', hint: 'encrypted on this machine' },
      { value: 'none', label: 'none for now', hint: '--operator <address> adds one later' },
    ],
    initial: 'new',
  });
  return choice === 'new' ? await keys.named('gateway') : undefined;
};
