import type { Keeper } from './keeper.ts';
import type { Messages } from './messages.ts';
import type { Reference } from './reference.ts';

/** The accounts of a tree, their messages, and the reference model that checks them. */
export type Participants = {
  readonly clock: { now: number };
  readonly keepers: readonly Keeper[];
  readonly messages: Messages;
  readonly reference: Reference;
  readonly note: (event: string) => void;
};

export const keeperOf = ({ keepers }: Pick<Participants, 'keepers'>, account: string): Keeper => {
  const keeper = keepers.find((each) => each.account === account);
  if (keeper === undefined) throw new Error(`the tree has no account ${account}`);
  return keeper;
};
