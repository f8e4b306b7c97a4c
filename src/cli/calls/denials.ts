import type { ItemOf } from '../../management/routes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import type { TimeRange } from '../lib/time.ts';

/** An entry about denials: one denied call, and how many its rule denied within ten seconds. */
export type DenialItem = ItemOf<'account.entries'>;

export type DenialFilter = TimeRange & { readonly tool?: string; readonly rule?: string };

/** The newest denials of some accounts, newest first, at most `most`. @throws CliError */
export const newestDenials = async (
  admin: AdminClient,
  accounts: Iterable<AccountId>,
  filter: DenialFilter,
  most: number,
): Promise<readonly DenialItem[]> => {
  let newest: readonly DenialItem[] = [];
  for (const account of accounts) {
    const query = { ...filter, type: 'call.denied', limit: 500 };
    const kept: DenialItem[] = [];
    for await (const entry of admin.list('account.entries', { params: { account }, query })) {
      kept.push(entry);
      // Oldest first: only the newest can be in the list.
      if (kept.length > most) kept.shift();
    }
    newest = [...newest, ...kept].toSorted((one, other) => other.at - one.at).slice(0, most);
  }
  return newest;
};
