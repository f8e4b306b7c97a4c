import { privateKeyToAccount } from 'viem/accounts';
import type { Person } from '../../dev/stack/people.ts';
import type { Stack } from '../../dev/stack/stack.ts';
import { createAgent } from '../../src/client/agent.ts';

/** Pays for a look-up of each word, in order. The first call creates the account. */
export const buy = async (
  stack: Stack,
  { privateKey }: Pick<Person, 'privateKey'>,
  words: readonly string[] = ['river'],
): Promise<void> => {
  const agent = createAgent({
    account: privateKeyToAccount(privateKey),
    spend: { perCall: '$0.01', total: '$1' },
  });
  for (const word of words) {
    const answer = await agent.fetch(`${stack.gateway.url}/tools/lookup?word=${word}`);
    await answer.text();
    if (!answer.ok) throw new Error(`The call got ${answer.status}.`);
  }
};
