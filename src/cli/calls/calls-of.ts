import type { PageInfo } from '../../client/management.ts';
import { withoutUndefined } from '../../core/without-undefined.ts';
import type { ItemOf } from '../../management/routes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { treeBelow } from '../lib/accounts.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { isRefusal } from '../lib/errors.ts';
import type { ListRequest } from '../lib/list.ts';

export const STATES = ['held', 'committed', 'released', 'abandoned'] as const;

export type Item = ItemOf<'calls.list'>;

export type Query = ListRequest['query'] & {
  readonly state?: (typeof STATES)[number] | 'failed';
  readonly tool?: string;
};

/** The calls of the named account; by default an operator gets all calls, and an owner those of its own tree. */
export async function* callsOf(
  admin: AdminClient,
  { account, most }: ListRequest,
  query: Query,
  onPage: (page: PageInfo) => void,
): AsyncGenerator<Item> {
  const callsOfAccount = (each: AccountId) =>
    admin.list('account.calls', { params: { account: each }, query, onPage });
  if (account !== undefined) {
    yield* callsOfAccount(account);
    return;
  }
  try {
    yield* admin.list('calls.list', { query, onPage });
  } catch (thrown) {
    // The gateway refused the first page, so nothing was listed yet.
    if (!isRefusal(thrown, 'forbidden')) throw thrown;
    const newest = await newestOfTree(admin, most, query, onPage);
    if (newest !== undefined) {
      yield* newest;
      return;
    }
    const found: Item[] = [];
    for (const each of await ownTree(admin)) {
      let count = 0;
      for await (const item of callsOfAccount(each)) {
        found.push(item);
        count += 1;
        if (count >= most) break;
      }
    }
    yield* found.toSorted((one, other) => (other.accepted_at ?? 0) - (one.accepted_at ?? 0));
  }
}

/** Rows that the gateway lists of a tree, at most. */
const MOST_OF_TREE = 500;

/** The newest calls of the signer's tree, in one request; undefined if only the lists of single accounts are complete. */
const newestOfTree = async (
  admin: AdminClient,
  most: number,
  { from, to, ...query }: Query,
  onPage: (page: PageInfo) => void,
): Promise<readonly Item[] | undefined> => {
  if ((from ?? to) !== undefined || most > MOST_OF_TREE) return undefined;
  try {
    const params = { account: await admin.own() };
    const { body } = await admin.call('account.tree.calls', { params, query });
    const isWhole = body.shows === 'all' || (body.shows === 'newest' && body.items.length === most);
    if (!isWhole) return undefined;
    onPage(withoutUndefined({ asOf: body.as_of }));
    return body.items;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_account')) return undefined;
    throw thrown;
  }
};

/** The signer's own account and those below it; none before its first payment or grant. */
export const ownTree = async (admin: AdminClient): Promise<ReadonlySet<AccountId>> => {
  const own = await admin.own();
  const tree = await treeBelow(admin, own).catch((unknown: unknown) => {
    if (isRefusal(unknown, 'unknown_account')) return undefined;
    throw unknown;
  });
  if (tree === undefined) return new Set();
  const readable = tree.filter(({ standing }) => standing !== undefined);
  return new Set([own, ...readable.map(({ account }) => account as AccountId)]);
};
