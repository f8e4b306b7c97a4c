import type { AccountId } from '../../protocol/account-id.ts';
import type { ItemOf } from '../../management/types.ts';
import type { AdminClient } from './admin-client.ts';
import { isRefusal } from './refusal.ts';

/** An account below another, by one of the grants that lead to it. */
export type TreeNode = ItemOf<'account.tree'> & {
  readonly parent: AccountId;
  readonly depth: number;
  readonly label: string | undefined;
  /** How the account stands; undefined where it cannot be seen. */
  readonly standing: string | undefined;
};

/** Grants are at most three deep; the number is what one screen and one minute take. */
const MOST = 500;
const MOST_DEPTH = 3;
const AT_ONCE = 8;

/** Every account below one, each after the one above it. */
export const treeBelow = async (
  admin: AdminClient,
  root: AccountId,
): Promise<readonly TreeNode[]> =>
  await admin.session.progress.during('reading the tree', async () => {
    const seen = new Map<string, Promise<Seen>>();
    const look = async (account: AccountId): Promise<Seen> => {
      const known = seen.get(account) ?? standingOf(admin, account);
      seen.set(account, known);
      return await known;
    };
    const nodes: TreeNode[] = [];
    const walk = async (parent: AccountId, depth: number): Promise<void> => {
      if (depth > MOST_DEPTH) return;
      const items: ItemOf<'account.tree'>[] = [];
      for await (const item of admin.list('account.tree', { params: { account: parent } })) {
        items.push(item);
        if (nodes.length + items.length >= MOST) break;
      }
      for (let at = 0; at < items.length; at += AT_ONCE)
        await Promise.all(
          items.slice(at, at + AT_ONCE).map(async ({ account }) => await look(account)),
        );
      for (const item of items) {
        if (nodes.length >= MOST) return;
        const first = !nodes.some(({ account }) => account === item.account);
        nodes.push({ ...item, parent, depth, ...(await look(item.account)) });
        // An account that has not consented shows nobody what hangs below it.
        if (first && nodes.at(-1)?.standing !== undefined) await walk(item.account, depth + 1);
      }
    };
    await walk(root, 1);
    return nodes;
  });

type Seen = { readonly label: string | undefined; readonly standing: string | undefined };

const standingOf = async (admin: AdminClient, account: AccountId): Promise<Seen> => {
  try {
    const { body } = await admin.call('account.get', { params: { account } });
    return { label: body.label, standing: body.status };
  } catch (thrown) {
    if (!isRefusal(thrown, 'unknown_account')) throw thrown;
    // The issuer may not see the account: its holder has not consented to the grant.
    return { label: undefined, standing: undefined };
  }
};
