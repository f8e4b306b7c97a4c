import type { Management } from '../../client/management.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Scope } from './scope.ts';

/** Whose logs a person may choose. */
export type LogAccount = { readonly account: AccountId; readonly label?: string };

/** Accounts to choose from, at most. A larger gateway is audited with the command. */
export const MOST_ACCOUNTS = 200;

/** The accounts whose logs this person may read: all of a gateway, or one's own and all below it. */
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
  const seen = new Set<string>([account]);
  const waiting = [account];
  found.push({ account: account as AccountId });
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const query = { limit: 500 };
    const children = management.list('account.tree', { params: { account: next }, query, signal });
    for await (const child of children) {
      if (seen.has(child.account) || found.length > MOST_ACCOUNTS) continue;
      seen.add(child.account);
      waiting.push(child.account);
      found.push({ account: child.account });
    }
  }
  return found;
};

const named = (account: string, label: string | undefined): LogAccount => ({
  account: account as AccountId,
  ...(label === undefined ? {} : { label }),
});
