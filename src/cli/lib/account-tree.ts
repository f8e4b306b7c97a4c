import type { AdminClient } from './admin-client.ts';
import { isRefusal } from './error-of.ts';
import type { ItemOf } from '../../management/routes.ts';
import type { AccountId } from '../../protocol/account-id.ts';

/** A descendant of an account, by one of the grants that lead to it. */
export type TreeNode = ItemOf<'account.tree'> & {
  readonly parent: AccountId;
  readonly depth: number;
  readonly label: string | undefined;
  /** The account's status; undefined if the signer may not see the account. */
  readonly standing: string | undefined;
};

/** Bounds the requests of one command: at most 500 accounts, eight at a time. */
const MOST = 500;
const AT_ONCE = 8;
const MAX_DEPTH = 3;

/** Reads all descendants of an account, each after its parent. */
export const treeBelow = async (
  admin: AdminClient,
  root: AccountId,
): Promise<readonly TreeNode[]> =>
  await admin.session.progress.during('reading the tree', async () => {
    const seen = new Map<string, Promise<Seen>>();
    const look = async (account: AccountId): Promise<Seen> => {
      const known = seen.get(account) ?? readAccount(admin, account);
      seen.set(account, known);
      return await known;
    };
    const nodes: TreeNode[] = [];
    const walk = async (parent: AccountId, depth: number): Promise<void> => {
      if (depth > MAX_DEPTH) return;
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
        const isFirst = !nodes.some(({ account }) => account === item.account);
        nodes.push({ ...item, parent, depth, ...(await look(item.account)) });
        // The descendants of an account are private until its holder consents to the grant.
        if (isFirst && nodes.at(-1)?.standing !== undefined) await walk(item.account, depth + 1);
      }
    };
    await walk(root, 1);
    return nodes;
  });

type Seen = Pick<TreeNode, 'label' | 'standing'>;

const readAccount = async (admin: AdminClient, account: AccountId): Promise<Seen> => {
  try {
    const { body } = await admin.call('account.get', { params: { account } });
    return { label: body.label, standing: body.status };
  } catch (thrown) {
    // The holder has not consented: the issuer may not see the account.
    if (isRefusal(thrown, 'unknown_account')) return { label: undefined, standing: undefined };
    throw thrown;
  }
};
