import type { ItemOf } from '../../client/management.ts';
import { spendStatus } from '../../protocol/account/spend-status.ts';
import type { AdminClient } from './admin-client.ts';
import { isRefusal } from './errors.ts';

type Listed = ItemOf<'accounts.list'>;

/** Each read wakes an account. */
const AT_ONCE = 8;
/** Accounts of one list that are read, at most. */
export const MOST_READ = 500;

type WithStatus = Listed & { readonly spend_status: string };

/**
 * Adds to listed accounts the status that a person needs. A list has the statuses that people set, but not the grants: an active account
 * may have no valid grant, so the command reads each active account. `unknown`: it did not answer, or was not read.
 *
 * @returns `unread`: how many active accounts were not read, because the list has too many.
 */
export const withSpendStatus = async (
  admin: Pick<AdminClient, 'call'>,
  items: readonly Listed[],
): Promise<{ readonly items: readonly WithStatus[]; readonly unread: number }> => {
  const statusOf = async (account: Listed['account']): Promise<string> => {
    try {
      return spendStatus((await admin.call('account.get', { params: { account } })).body);
    } catch (thrown) {
      if (isRefusal(thrown, 'unknown_account')) return 'active';
      // One account that does not answer must not hide the others.
      if (isRefusal(thrown, 'storage_unavailable')) return 'unknown';
      throw thrown;
    }
  };
  const active = items.filter(({ status }) => status === 'active');
  const known = new Map<string, string>();
  for (let at = 0; at < Math.min(active.length, MOST_READ); at += AT_ONCE) {
    const some = active.slice(at, Math.min(at + AT_ONCE, MOST_READ));
    await Promise.all(some.map(async ({ account }) => known.set(account, await statusOf(account))));
  }
  return {
    items: items.map((item) => ({
      ...item,
      spend_status: item.status === 'active' ? (known.get(item.account) ?? 'unknown') : item.status,
    })),
    unread: active.length - known.size,
  };
};
