import type { Keeper } from './keeper.ts';
import type { Post } from './post.ts';
import type { Reference } from './reference.ts';

/** Who there is, what is said between them, and who judges it. */
export type Office = {
  readonly clock: { now: number };
  readonly keepers: readonly Keeper[];
  readonly post: Post;
  readonly reference: Reference;
  readonly note: (event: string) => void;
};

export const keeperOf = ({ keepers }: Pick<Office, 'keepers'>, account: string): Keeper => {
  const keeper = keepers.find((each) => each.account === account);
  if (keeper === undefined) throw new Error(`nobody is ${account}`);
  return keeper;
};
