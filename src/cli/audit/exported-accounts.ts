import type { AccountId } from '../../protocol/account-id.ts';
import { accountNamed } from '../lib/accounts.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { isRefusal, usageError } from '../lib/errors.ts';

/** An account whose log an export reads. */
export type ExportedAccount = { readonly account: AccountId; readonly label?: string };

/** The scope of an export: accounts that arguments name, an owner's fleet, or all accounts of a gateway. */
export type Scope =
  | { readonly kind: 'accounts'; readonly named: readonly string[] }
  | { readonly kind: 'fleet' }
  | { readonly kind: 'all' };

/** @throws CliError usage */
export const scopeOf = (named: readonly string[], isFleet: boolean, isAll: boolean): Scope => {
  const given = [named.length > 0, isFleet, isAll].filter(Boolean).length;
  if (given !== 1)
    throw usageError(
      'The command needs to know whose log to export.',
      'Give accounts, or --fleet for your own account and all of its descendants, or --all as operator.',
    );
  if (isFleet) return { kind: 'fleet' };
  return isAll ? { kind: 'all' } : { kind: 'accounts', named };
};

/** The accounts of a scope, each once. @throws CliError */
export const exportedAccounts = async (
  admin: AdminClient,
  scope: Scope,
): Promise<readonly ExportedAccount[]> =>
  await admin.session.progress.during('reading the accounts', async () => {
    if (scope.kind === 'all') return await everyAccount(admin);
    if (scope.kind === 'fleet') return await fleetBelow(admin, await admin.own());
    const accounts: AccountId[] = [];
    for (const text of scope.named) accounts.push(await accountNamed(admin, text));
    const found: ExportedAccount[] = [];
    for (const account of new Set(accounts))
      found.push((await readable(admin, account)) ?? { account });
    return found;
  });

const everyAccount = async (admin: AdminClient): Promise<readonly ExportedAccount[]> => {
  const found: ExportedAccount[] = [];
  for await (const { account, label } of admin.list('accounts.list', { query: { limit: 500 } }))
    found.push({ account: account as AccountId, ...(label === undefined ? {} : { label }) });
  return found;
};

/**
 * An account and all of its descendants, at any depth. Without the limit of `treeBelow`, because an export without some accounts would be
 * incomplete.
 */
const fleetBelow = async (
  admin: AdminClient,
  owner: AccountId,
): Promise<readonly ExportedAccount[]> => {
  const found: ExportedAccount[] = [];
  const seen = new Set<string>([owner]);
  const waiting = [owner];
  for (let account = waiting.shift(); account !== undefined; account = waiting.shift()) {
    const one = await readable(admin, account);
    // The delegate has not consented to the grant, so its account is private.
    if (one === undefined && account !== owner) continue;
    found.push(one ?? { account });
    const query = { limit: 500 };
    for await (const child of admin.list('account.tree', { params: { account }, query })) {
      if (seen.has(child.account)) continue;
      seen.add(child.account);
      waiting.push(child.account as AccountId);
    }
  }
  return found;
};

/** An account with its label; undefined if the signer may not see it. */
const readable = async (
  admin: AdminClient,
  account: AccountId,
): Promise<ExportedAccount | undefined> => {
  try {
    const { label } = (await admin.call('account.get', { params: { account } })).body;
    return { account, ...(label === undefined ? {} : { label }) };
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_account')) return undefined;
    throw thrown;
  }
};
