import type { CommandIntent, CommandSigner } from '../../../src/protocol/account/command.ts';
import type { Json } from '../../../src/protocol/entry.ts';
import { checkedAt } from '../call/evidence.ts';

/** The signed intent of a command, and its signer (law 11). */
export const commandEvidence = (
  { fields, signature }: CommandIntent,
  by: CommandSigner | undefined,
): { readonly [key: string]: Json } => ({
  order: fields,
  signature,
  ...(by === undefined ? {} : { by: by.account, role: by.role, ...checkedAt(by) }),
});
