import type { Management } from '../../../client/management.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import { queueRead } from '../reading/read-queue.ts';
import { isUnknownAccount } from '../gateway/problem.ts';
import type { Scope } from '../session/scope.ts';

/** An account whose log a person may choose. */
export type LogAccount = { readonly account: AccountId; readonly label?: string };

/** The most accounts to choose from. Operators audit a larger gateway with the command. */
export const MOST_ACCOUNTS = 200;

/** The accounts whose logs this person may read: all accounts of a gateway, or the own account and its descendants. */
export const readLogAccounts = async (
  management: Management,
  { role, account }: Scope,
  signal: AbortSignal,
): Promise<readonly LogAccount[]> => {
  const found: LogAccount[] = [];
  if (role === 'operator') {
    const query = { limit: 500 };
    for await (const item of management.list('accounts.list', { query, signal })) {
      found.push(named(item.account, item.label));
      if (found.length > MOST_ACCOUNTS) break;
    }
    return found;
  }
  const seen = new Map<string, LogAccount>([[account, named(account, undefined)]]);
  let level: readonly string[] = [account];
  while (level.length > 0 && seen.size <= MOST_ACCOUNTS) {
    const below = await Promise.all(level.map((each) => childrenOf(management, each, signal)));
    const next = below.flat().filter((child) => !seen.has(child.account));
    for (const child of next) seen.set(child.account, child);
    level = [...new Set(next.map((child) => child.account))];
  }
  return [...seen.values()].slice(0, MOST_ACCOUNTS + 1);
};

/** The accounts that hold a grant of an account. A delegate that has not consented is not its child, so the issuer may not read its log. */
const childrenOf = (
  management: Management,
  account: string,
  signal: AbortSignal,
): Promise<readonly LogAccount[]> =>
  queueRead(async () => {
    const children: LogAccount[] = [];
    const request = { params: { account }, query: { limit: 500 }, signal };
    try {
      for await (const child of management.list('account.tree', request)) {
        if (child.status !== 'offered') children.push(named(child.account, child.label));
        if (children.length > MOST_ACCOUNTS) break;
      }
    } catch (thrown) {
      // The grant was revoked before its first call, or the child has moved to another parent: the reader may not read its tree.
      if (!isUnknownAccount(thrown)) throw thrown;
    }
    return children;
  }, signal);

const named = (account: string, label: string | undefined): LogAccount => ({
  account: account as AccountId,
  ...(label === undefined ? {} : { label }),
});
