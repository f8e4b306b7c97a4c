import type { Hex } from '../core/hex.ts';
import { utf8 } from '../crypto/bytes.ts';
import { type Policy, policyJson } from '../policy/policy.ts';
import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import type { PublishedText } from '../protocol/account/command.ts';
import { termsOf } from './terms.ts';
import type { Tool } from './tool.ts';

/** The most bytes of one command: the account writes its entries in one transaction, as one value of at most 2 MB. */
const MAX_COMMAND = 131_072;

/**
 * Brings the terms of tools and the default policy into the log of the gateway's account, which writes those that it does not have yet. The
 * account remembers the name of the set with the last command, so that later isolates need not send it.
 *
 * @returns whether the account has all of them.
 */
export const publishTexts = async (
  account: Pick<AgentAccountRpc, 'apply'>,
  set: Hex,
  tools: readonly Tool[],
  policy: Policy,
): Promise<boolean> => {
  const texts: readonly PublishedText[] = [
    { type: 'policy.default', document: policyJson(policy) },
    ...tools.map((tool): PublishedText => {
      const { document } = termsOf(tool);
      return { type: 'tool.listed', name: tool.id, document };
    }),
  ];
  const commands = inCommands(texts);
  for (const [at, part] of commands.entries()) {
    const isLast = at === commands.length - 1;
    const { verdict } = await account.apply({
      kind: 'publish',
      texts: part,
      ...(isLast ? { set } : {}),
    });
    if (verdict !== 'applied') return false;
  }
  return true;
};

const inCommands = (texts: readonly PublishedText[]): readonly (readonly PublishedText[])[] => {
  const commands: PublishedText[][] = [];
  let size = Infinity;
  for (const text of texts) {
    const more = utf8(JSON.stringify(text)).length;
    if (size + more > MAX_COMMAND) {
      commands.push([]);
      size = 0;
    }
    commands.at(-1)?.push(text);
    size += more;
  }
  return commands;
};
